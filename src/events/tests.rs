//! Events from arrival to history.
