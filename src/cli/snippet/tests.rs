use super::*;

const TOKEN: &str = "a token/with?odd&characters;1";

/// 2026-11-27T00:00:00Z
const NOW: i64 = 1_795_737_600_000;

fn print_for(pbx: Pbx, server: &str, project: &str, token: Option<&str>) -> Result<(String, Option<String>)> {
    let text =
        format!("[server]\n{server}\n[directory.d]\n[project.sales]\ncountry = \"RO\"\nsources = [\"d\"]\n{project}\n");
    let config = crate::config::load_text(&text, &|_| None).unwrap();
    let target = Target::new(&config.server, &config.projects["sales"], token.map(str::to_owned), NOW)?;
    Ok((print(pbx, &target)?, target.note()))
}

fn with_token(pbx: Pbx, server: &str) -> String {
    print_for(pbx, server, &format!("tokens = [\"{TOKEN}\"]"), Some(TOKEN)).unwrap().0
}

fn refusal(pbx: Pbx, server: &str, project: &str, token: Option<&str>) -> String {
    print_for(pbx, server, project, token).unwrap_err().to_string()
}

const ALL: [Pbx; 6] = [Pbx::While1, Pbx::Asterisk, Pbx::AsteriskAgi, Pbx::Freepbx, Pbx::Freeswitch, Pbx::Kamailio];

#[test]
fn every_snippet_is_filled_and_holds_the_token_as_a_url_does() {
    for pbx in ALL {
        let printed = with_token(pbx, "agi = \"127.0.0.1:4573\"\npublic_url = \"https://calldex.example.com/x\"");
        assert!(printed.contains("token=a%20token%2Fwith%3Fodd%26characters%3B1"), "{printed}");
        let is_word =
            |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
        assert_eq!(printed.split('@').skip(1).find(is_word), None, "{printed}");
        if pbx != Pbx::AsteriskAgi {
            assert!(printed.contains("calldex.example.com"), "{printed}");
        }
    }
}

#[test]
fn without_a_token_it_is_said_what_to_put_where() {
    let (printed, note) = print_for(Pbx::Kamailio, "", "tokens = [\"0123456789abcdef\"]", None).unwrap();
    assert!(printed.contains("http://127.0.0.1:8080/sales/lookup?format=json&token=PUT-THE-TOKEN-HERE&telephone="));
    assert!(note.unwrap().starts_with("put a token of the project sales in the place of PUT-THE-TOKEN-HERE"));
    let (printed, note) = print_for(Pbx::Kamailio, "", "allow = [\"192.0.2.1\"]", None).unwrap();
    assert!(printed.contains("/sales/lookup?format=json&telephone="), "{printed}");
    assert_eq!(note, None);
}

#[test]
fn what_cannot_be_printed_is_refused_with_the_setting_to_look_at() {
    let open = "allow = [\"192.0.2.1\"]";
    assert_eq!(
        refusal(Pbx::Asterisk, "", "tokens = [\"0123456789abcdef\"]", Some("another")),
        "this is no token of the project sales; see `tokens` of it"
    );
    let until = |end: &str| format!("tokens = [{{ token = \"{TOKEN}\", expires = \"{end}\" }}]");
    assert_eq!(
        refusal(Pbx::Asterisk, "", &until("2026-11-26T23:59:59Z"), Some(TOKEN)),
        "this token has expired: it does not open the project sales; see `tokens` of it"
    );
    assert!(print_for(Pbx::Asterisk, "", &until("2026-11-27T00:00:01Z"), Some(TOKEN)).is_ok());
    assert!(refusal(Pbx::AsteriskAgi, "", open, None).contains("[server] has no agi; add agi ="));
    assert!(refusal(Pbx::While1, "listen = \"0.0.0.0:8080\"", open, None).contains("add [server] public_url"));
    assert!(refusal(Pbx::AsteriskAgi, "agi = \"[::]:4573\"", open, None).contains("add [server] public_url"));
    let tagged = format!("{open}\nroot_tag = \"data\"");
    assert!(refusal(Pbx::Kamailio, "", &tagged, None).contains("has a root_tag"));
    assert!(
        refusal(Pbx::Asterisk, "public_url = \"http://x/${y}\"".replace("${", "$${").as_str(), open, None)
            .contains("%XX")
    );
}

#[test]
fn a_pbx_waits_half_a_second_longer_than_the_deadline() {
    let waits = |pbx, deadline: &str| {
        let project = format!("allow = [\"192.0.2.1\"]\ndeadline = \"{deadline}\"");
        print_for(pbx, "", &project, None).unwrap().0
    };
    assert!(waits(Pbx::Asterisk, "800ms").contains("CURLOPT(httptimeout)=1.3)"));
    assert!(waits(Pbx::Asterisk, "1500ms").contains("CURLOPT(httptimeout)=2)"));
    assert!(waits(Pbx::Kamailio, "800ms").contains("\"connection_timeout\", 2)"));
    assert!(waits(Pbx::Kamailio, "500ms").contains("\"connection_timeout\", 1)"));
    let freeswitch = waits(Pbx::Freeswitch, "1s");
    assert!(freeswitch.contains("\"curl-timeout\" value=\"1500\"") && freeswitch.contains("\"curl_timeout\", \"2\""));
}

#[test]
fn while1_gets_the_parameters_that_fit_the_project() {
    let print =
        |project: &str| print_for(Pbx::While1, "", &format!("allow = [\"192.0.2.1\"]\n{project}"), None).unwrap().0;
    assert!(print("").contains("type=json&root_tag=&send_request_headers=0&ignore_response=0\n"));
    assert!(print("format = \"xml\"\nroot_tag = \"data\"").contains("type=xml&root_tag=data&"));
    let text = print("phone = \"freepbx\"");
    assert!(text.contains("/api/sales?format=json\n") && text.contains("type=json&"), "{text}");
}

#[test]
fn asterisk_agi_finds_its_listener() {
    let server = "agi = \"0.0.0.0:4573\"\npublic_url = \"https://calldex.example.com:8443\"";
    assert!(with_token(Pbx::AsteriskAgi, server).contains("AGI(agi://calldex.example.com:4573/sales?token=a%20token"));
    let printed = print_for(Pbx::AsteriskAgi, "agi = \"[::1]:4573\"", "allow = [\"192.0.2.1\"]", None).unwrap().0;
    assert!(printed.contains("AGI(agi://[::1]:4573/sales?dnid=${URIENCODE(${ARG1})})"), "{printed}");
}
