//! Who takes part in a call, and by which names a PBX may mean the same agent.

use rusqlite::{Connection, params};

use crate::config::Roster;

/// The name of an agent as it is compared: `SIP/Ion-Popescu-0000a1` and `ion-popescu` are the same one.
fn agent_key(name: &str) -> String {
    let name = name.trim();
    let (technology, name) = name.split_once('/').map_or((None, name), |(technology, rest)| (Some(technology), rest));
    let name = name.split(';').next().unwrap_or_default();
    let name = if technology.is_some() { without_channel(name) } else { name };
    name.to_lowercase()
}

/// The user whom a PBX calls this, in any of its spellings and whoever he is to calldex.
pub(super) fn key(name: &str) -> String {
    let whole = agent_key(name);
    whole.split_once('@').map_or(whole.as_str(), |(user, _)| user).to_owned()
}

/// The agent whom a PBX calls this, as he is compared: by his user name, or by his extension where `[agent.NAME]` says
/// whose it is. What a PBX puts behind an `@` is a host or a context, as in `1000@pbx.example.com` and
/// `Local/1000@agents`, unless an account has exactly this name.
pub(super) fn person(agents: &Roster, name: &str, is_account: impl FnOnce(&str) -> bool) -> String {
    let whole = agent_key(name);
    match whole.split_once('@') {
        Some((user, _)) if !is_account(&whole) => account(agents, user),
        _ => account(agents, &whole),
    }
}

/// Whoever has the account of this name, as he is compared.
pub(super) fn account(agents: &Roster, name: &str) -> String {
    let key = name.to_lowercase();
    agents.at_pbx(&key).map_or(key, |name| name.to_lowercase())
}

/// Asterisk ends the name of a channel with a dash and eight hexadecimal digits.
fn without_channel(name: &str) -> &str {
    let is_channel = |end: &str| end.len() == 8 && end.bytes().all(|byte| byte.is_ascii_hexdigit());
    name.rsplit_once('-').filter(|(_, end)| is_channel(end)).map_or(name, |(agent, _)| agent)
}

/// Notes that a call has rung an agent, by his key, or was answered by him.
pub(super) fn add(connection: &Connection, project: &str, agent: &str, call: i64) -> rusqlite::Result<()> {
    let sql = "INSERT OR IGNORE INTO party (project, agent, call) VALUES (?1, ?2, ?3)";
    connection.prepare_cached(sql)?.execute(params![project, agent, call])?;
    Ok(())
}

/// The agents of a call, as they are compared.
pub(super) fn of_call(connection: &Connection, call: i64) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare_cached("SELECT agent FROM party WHERE call = ?1")?;
    statement.query_map([call], |row| row.get(0))?.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_has_one_key_for_all_spellings_of_his_name() {
        let key = |name| person(&Roster::default(), name, |_| false);
        for name in [
            "ion-popescu",
            " Ion-Popescu ",
            "SIP/ion-popescu",
            "PJSIP/ion-popescu-0000002f",
            "Local/ion-popescu@q;1",
            "ion-popescu@pbx.example.com",
        ] {
            assert_eq!(key(name), "ion-popescu", "{name}");
        }
        assert_eq!(key("ana-deadbeef"), "ana-deadbeef", "only a channel ends so");
        assert_eq!(key("101"), "101");
    }

    #[test]
    fn an_account_with_an_at_sign_is_nobody_else() {
        let key = |name| person(&Roster::default(), name, |whole| whole == "maria@a.ro");
        assert_eq!(
            (key("Maria@A.ro"), key("maria@b.ro"), key("maria")),
            ("maria@a.ro".into(), "maria".into(), "maria".into())
        );
        assert_eq!(account(&Roster::default(), "Maria@A.ro"), "maria@a.ro");
    }
}
