//! The recipes that come with calldex. Each is a file of `src/sources/recipes/` and reads as one that an administrator
//! could have written.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use super::{Recipe, read};

/// A recipe that comes with calldex.
#[derive(Debug, Clone, Copy)]
pub struct Shipped {
    /// Its name: the `type` of a source.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
}

/// Every recipe that comes with calldex, by name.
pub const SHIPPED: [Shipped; 10] = [
    Shipped { name: "bitrix24", text: include_str!("../recipes/bitrix24.toml") },
    Shipped { name: "dynamics365", text: include_str!("../recipes/dynamics365.toml") },
    Shipped { name: "freshdesk", text: include_str!("../recipes/freshdesk.toml") },
    Shipped { name: "hubspot", text: include_str!("../recipes/hubspot.toml") },
    Shipped { name: "minicrm", text: include_str!("../recipes/minicrm.toml") },
    Shipped { name: "odoo", text: include_str!("../recipes/odoo.toml") },
    Shipped { name: "odoo_jsonrpc", text: include_str!("../recipes/odoo_jsonrpc.toml") },
    Shipped { name: "pipedrive", text: include_str!("../recipes/pipedrive.toml") },
    Shipped { name: "zendesk", text: include_str!("../recipes/zendesk.toml") },
    Shipped { name: "zoho", text: include_str!("../recipes/zoho.toml") },
];

/// What `calldex recipe new` begins a recipe with. It passes its own test.
pub const NEW: &str = include_str!("../recipes/new.toml.txt");

/// The recipe of this name that comes with calldex.
#[must_use]
pub fn shipped(name: &str) -> Option<&'static Shipped> {
    SHIPPED.iter().find(|shipped| shipped.name == name)
}

/// The recipe of this name that comes with calldex, compiled once.
#[must_use]
pub fn shipped_recipe(name: &str) -> Option<Arc<Recipe>> {
    static COMPILED: LazyLock<Mutex<BTreeMap<&'static str, Arc<Recipe>>>> = LazyLock::new(Mutex::default);
    let shipped = shipped(name)?;
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(recipe) = compiled.get(shipped.name) {
        return Some(Arc::clone(recipe));
    }
    // A test compiles each of them, so that this never fails.
    let recipe = Arc::new(read(shipped.name, shipped.name, shipped.text).ok()?);
    compiled.insert(shipped.name, Arc::clone(&recipe));
    Some(recipe)
}
