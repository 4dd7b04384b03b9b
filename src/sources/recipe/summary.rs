//! A finished call in one line of text, `call.summary`: for CRMs that have a text for it and not a field for each thing.
//!
//! What the PBX says is text of strangers: it stays on the line, and what HTML or BB code would obey is left out.

use serde_json::Value;

use super::write::CallFields;

/// Longest part that a PBX says, in characters.
const LONGEST_PART: usize = 100;

/// Says who called whom, how it went, for how long and with whom, where the recording is, and the key at its end.
/// `agent` is the name of the agent, where the configuration knows him.
pub(super) fn summarize(call: &CallFields, agent: Option<&str>) -> String {
    let text = |name: &str| call.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let said = |name: &str| text(name).map(harmless);
    let customer = said("number").or_else(|| said("telephone")).unwrap_or_else(|| "a withheld number".to_owned());
    let (first, from, to) = match text("direction") {
        Some("out") => ("Outgoing call", said("dnid"), Some(customer)),
        _ => ("Incoming call", Some(customer), said("dnid")),
    };
    let mut summary = first.to_owned();
    let mut add = |before: &str, part: Option<String>, after: &str| {
        summary.extend(part.map(|part| format!("{before}{part}{after}")));
    };
    let seconds = |name: &str| call.get(name).and_then(Value::as_u64).map(|seconds| seconds.to_string());
    add(" from ", from, "");
    add(" to ", to, "");
    add(", ", said("outcome"), "");
    add(", ", seconds("duration"), " s");
    add(", waited ", seconds("waited"), " s");
    add(", queue ", said("queue"), "");
    add(", agent ", agent.map(harmless).or_else(|| said("agent")), "");
    add(", recording ", text("recording").map(str::to_owned), "");
    add(" [", text("key").map(str::to_owned), "]");
    summary
}

fn harmless(text: &str) -> String {
    let kept = |letter: &char| !letter.is_control() && !"<>[]".contains(*letter);
    text.chars().filter(kept).take(LONGEST_PART).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn summary(call: Value, agent: Option<&str>) -> String {
        let Value::Object(call) = call else { panic!("a table is needed") };
        summarize(&call, agent)
    }

    #[test]
    fn it_says_what_is_known_and_nothing_of_what_is_not() {
        let call = json!({
            "key": "1-2-answered", "direction": "in", "number": "+40722111222", "telephone": "0722111222",
            "dnid": "0310000000", "queue": "support", "agent": "101", "outcome": "answered", "duration": 61, "waited": 9,
            "recording": "https://pbx.example.com/1.wav?a=1&b=2",
        });
        let line = "Incoming call from +40722111222 to 0310000000, answered, 61 s, waited 9 s, queue support, agent Ion, \
                    recording https://pbx.example.com/1.wav?a=1&b=2 [1-2-answered]";
        assert_eq!(summary(call, Some("Ion")), line);
        let out =
            json!({ "direction": "out", "telephone": "0722111222", "dnid": "", "outcome": "missed", "agent": "101" });
        assert_eq!(summary(out, None), "Outgoing call to 0722111222, missed, agent 101");
        let withheld = json!({ "direction": "in", "telephone": "", "outcome": "unknown" });
        assert_eq!(summary(withheld, None), "Incoming call from a withheld number, unknown");
    }

    #[test]
    fn what_a_pbx_says_stays_on_the_line_and_is_no_markup() {
        let call = json!({
            "telephone": "<script>alert(1)</script>", "dnid": "[url=javascript:x]y[/url]", "queue": "a\r\nb\u{7}",
            "agent": "x".repeat(10_000), "outcome": "answered",
        });
        let line = summary(call, None);
        assert!(
            line.starts_with("Incoming call from scriptalert(1)/script to url=javascript:xy/url, answered, queue ab, ")
        );
        assert!(line.len() < 300, "{line}");
    }
}
