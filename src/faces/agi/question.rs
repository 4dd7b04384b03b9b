//! What Asterisk asks: the project and the token in the script's address, the numbers in arguments or environment.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::access::Offered;
use crate::faces::http::{Parameters, take_credentials};
use crate::model::{Call, Direction, RequestId};

use super::environment::Environment;

/// What Asterisk writes where it knows no number.
const UNKNOWN: &str = "unknown";

/// Entries that do not travel on: they hold the address with its token.
const ADDRESSES: [&str; 2] = ["agi_network_script", "agi_request"];

/// A question before the access check.
pub(super) struct Question {
    /// The project in the address; `None` for the default one.
    pub(super) project: Option<String>,
    /// The secrets of the address.
    pub(super) offered: Offered<'static>,
    /// The unique id of the channel, when it can serve as the id of the request.
    pub(super) request_id: Option<RequestId>,
    telephone: String,
    dnid: String,
    direction: Option<Direction>,
    params: BTreeMap<String, String>,
    is_conflicting: bool,
    queue_priority: bool,
}

/// A question that was let in.
pub(super) struct Asked {
    pub(super) call: Call,
    /// It names no one caller.
    pub(super) is_conflicting: bool,
    pub(super) wishes: Wishes,
}

/// What should be set beside the usual variables, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wishes {
    /// `CALLERID(name)`. On an outbound call it is our own name, which the customer sees.
    pub(super) caller_id: bool,
    /// `QUEUE_PRIO`.
    pub(super) queue_priority: bool,
}

impl Question {
    /// Reads a question; `None` when the block is not one of FastAGI.
    pub(super) fn read(environment: &Environment) -> Option<Self> {
        let script = environment.get("agi_network_script")?;
        let (path, query) = script.split_once('?').unwrap_or((script, ""));
        let mut parameters = Parameters::from_query(query.as_bytes());
        let mut offered = Offered::none();
        take_credentials(&mut parameters, &mut offered);
        let asked = parameters.into_asked();
        let is_conflicting = asked.is_conflicting() || environment.contradicts_itself();
        let mut params = asked.others;
        let queue_priority = params.remove("queue_prio").is_some_and(|value| value != "0");
        params.extend(others(environment));
        let first_known = |given: Option<String>, names: [&str; 3]| {
            let sent = names.iter().filter_map(|name| environment.get(name).map(str::to_owned));
            given.into_iter().chain(sent).find(|number| !number.is_empty() && number != UNKNOWN).unwrap_or_default()
        };
        Some(Self {
            project: project(path),
            offered: offered.into_owned(),
            request_id: environment.get("agi_uniqueid").and_then(RequestId::from_client),
            telephone: first_known(asked.telephone.given(), ["agi_arg_1", "agi_callerid", "agi_callerid"]),
            dnid: first_known(asked.dnid.given(), ["agi_arg_2", "agi_dnid", "agi_extension"]),
            direction: asked.direction,
            params,
            is_conflicting,
            queue_priority,
        })
    }

    /// The call, and how it wants to be answered.
    pub(super) fn into_call(self, project: Arc<str>, request_id: RequestId) -> Asked {
        let caller_id = self.direction != Some(Direction::Out);
        Asked {
            is_conflicting: self.is_conflicting,
            wishes: Wishes { caller_id, queue_priority: self.queue_priority },
            call: Call {
                project,
                telephone: self.telephone,
                dnid: self.dnid,
                direction: self.direction,
                params: self.params,
                request_id,
            },
        }
    }
}

/// `sales`, `/sales` and `sales/lookup` name the same project, and an empty path names none.
fn project(path: &str) -> Option<String> {
    let path = path.trim_matches('/');
    let name = path.strip_suffix("/lookup").unwrap_or(path);
    (!name.is_empty()).then(|| name.to_owned())
}

/// What else Asterisk says, for templates.
fn others(environment: &Environment) -> impl Iterator<Item = (String, String)> {
    let kept = environment.entries().filter(|(name, value)| !ADDRESSES.contains(name) && !value.is_empty());
    kept.map(|(name, value)| (name.to_owned(), value.to_owned()))
}
