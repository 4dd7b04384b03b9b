//! The answer: what the PBX is told about the caller.

use super::ContactId;

/// The caller data of one call. Every field is empty for an unknown caller.
///
/// The order of the fields is the order on the wire.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallerData {
    /// The customer's id, as its source types it.
    pub id: Option<ContactId>,
    /// What the agent's telephone shows.
    pub name: Option<String>,
    /// Place in the queue, 0 to 100. The PBX defines which end comes first.
    pub queue_position: Option<u8>,
    /// Direct transfer to an agent or a queue, inbound only: `SIP/ion-popescu`, `sales-queue`.
    pub direct_line: Option<String>,
    /// The page that opens when the call is answered.
    pub backend_link: Option<String>,
    /// The external identifier of an inbound route, which overrides the outbound number.
    pub route_identifier: Option<String>,
    /// The number to show to the customer; only in an extended reply.
    pub outbound_number: Option<String>,
    /// The language to speak, such as `ro`; only in an extended reply.
    pub language: Option<String>,
    /// The id of the customer in a partner's system; only in an extended reply.
    pub external_id: Option<String>,
}

impl CallerData {
    /// Says whether every field is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
