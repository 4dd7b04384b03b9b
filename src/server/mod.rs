//! Listeners: accepts connections, keeps slow and silent ones in bounds, and drains them at the end.
