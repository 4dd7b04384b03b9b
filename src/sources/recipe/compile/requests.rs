//! The requests of a recipe: where they go, what they carry, what of the answer is read.

use std::collections::BTreeMap;

use http::Method;

use super::{Compiler, Place, Scope, inside, place};
use crate::sources::recipe::format::RequestTable;
use crate::sources::recipe::pieces;
use crate::sources::recipe::template::{Position, Template};
use crate::sources::recipe::{Body, Next, NextPlace, Plan, Tree};

/// Quotes in a text that is sent are those of a query language.
fn position_of(source: &str) -> Position {
    if pieces::has_quotes(source) { Position::Quoted } else { Position::Text }
}

/// Whether a request of this place writes something in the CRM.
fn writes(place: &Place) -> bool {
    matches!(place.first().map(String::as_str), Some("log_call" | "create"))
}

impl Compiler<'_> {
    /// The templates of a query or a form.
    pub(in crate::sources::recipe) fn pairs(
        &mut self,
        pairs: &BTreeMap<String, String>,
        place: &Place,
        scope: Scope,
    ) -> Vec<(String, Template)> {
        let made = pairs.iter().filter_map(|(name, source)| {
            let template = self.template(source, &inside(place, name), position_of(source), scope)?;
            Some((name.clone(), template))
        });
        made.collect()
    }

    pub(super) fn plans(&mut self, name: &str, tables: &[RequestTable], scope: Scope) -> Vec<Plan> {
        let numbered = tables.iter().enumerate();
        numbered.map(|(index, table)| self.plan(table, &inside(&place(&[name]), index), scope)).collect()
    }

    /// Compiles a request.
    pub(in crate::sources::recipe) fn plan(&mut self, table: &RequestTable, place: &Place, scope: Scope) -> Plan {
        self.check_keys(table, place);
        let (method, path) = self.target(table, place);
        let of_path = inside(place, method.as_str().to_lowercase());
        if !path.starts_with('/') {
            self.wrong(&of_path, "the path of a request begins with /");
        }
        let mut plan = Plan {
            method,
            path: self.template(path, &of_path, Position::Url, scope.without_secrets()).unwrap_or_default(),
            query: self.pairs(&table.query, &inside(place, "query"), scope.without_secrets()),
            headers: self.headers(&table.headers, &inside(place, "headers"), scope),
            body: self.body(table, place, scope),
            when: table.when.as_ref().and_then(|when| self.condition(when, &inside(place, "when"), scope)),
            records: self.path(&table.records, &inside(place, "records")),
            next: None,
            map: self.mapping(&table.map, &inside(place, "map")),
            id: self.path(&table.id, &inside(place, "id")),
            several: table.several,
            writes: writes(place),
        };
        plan.next = self.next(table, &plan, place);
        plan
    }

    /// What leads to the next page: an address, unless templates of the request name what it is.
    fn next(&mut self, table: &RequestTable, plan: &Plan, place: &Place) -> Option<Next> {
        let name = |used: &&String| matches!(used.split('.').next(), Some("next" | "page"));
        let named = plan.uses().into_iter().find(name).cloned();
        let place_of_next = match (&table.next, &table.next_header) {
            (None, None) => {
                if let Some(named) = named {
                    let message =
                        format!("a template names {named:?}, but the request has neither next nor next_header");
                    self.wrong(place, message);
                }
                return None;
            }
            (Some(_), Some(_)) => {
                self.wrong(place, "a request has one of next, next_header; found both");
                return None;
            }
            (next, None) => NextPlace::Body(self.path(next, &inside(place, "next"))?),
            (None, header) => NextPlace::Header(self.header_name(header, &inside(place, "next_header"))?),
        };
        Some(Next { place: place_of_next, is_address: named.is_none() })
    }

    /// A key that does nothing in this place is a mistake.
    fn check_keys(&mut self, table: &RequestTable, place: &Place) {
        let kind = place.first().map(String::as_str).unwrap_or_default();
        let finds = matches!(kind, "lookup" | "search");
        let reads = finds || matches!(kind, "then" | "users");
        let present = [
            ("records", table.records.is_some(), finds),
            ("next", table.next.is_some(), kind == "lookup"),
            ("next_header", table.next_header.is_some(), kind == "lookup"),
            ("map", !table.map.is_empty(), reads),
            ("id", table.id.is_some(), writes(place)),
            ("several", table.several, kind == "then"),
        ];
        for (key, is_set, belongs) in present {
            if is_set && !belongs {
                self.wrong(&inside(place, key), format!("{key} does nothing in a request of {kind}"));
            }
        }
    }

    fn target<'t>(&mut self, table: &'t RequestTable, place: &Place) -> (Method, &'t str) {
        let targets = [
            (Method::GET, &table.get),
            (Method::POST, &table.post),
            (Method::PUT, &table.put),
            (Method::PATCH, &table.patch),
        ];
        let mut set = targets.into_iter().filter_map(|(method, path)| Some((method, path.as_deref()?)));
        match (set.next(), set.next()) {
            (Some(target), None) => target,
            (first, _) => {
                let found = if first.is_some() { "more than one" } else { "none" };
                self.wrong(place, format!("a request has one of get, post, put, patch; found {found}"));
                (Method::GET, "/")
            }
        }
    }

    fn body(&mut self, table: &RequestTable, place: &Place, scope: Scope) -> Body {
        match (&table.json, &table.form, &table.xml) {
            (None, None, None) => Body::None,
            (Some(json), None, None) => Body::Json(self.tree(json, &inside(place, "json"), scope)),
            (None, Some(form), None) => Body::Form(self.pairs(form, &inside(place, "form"), scope)),
            (None, None, Some(xml)) => {
                let template = self.template(xml, &inside(place, "xml"), Position::Xml, scope);
                template.map_or(Body::None, Body::Xml)
            }
            _ => {
                self.wrong(place, "a request has one of json, form, xml; found more than one");
                Body::None
            }
        }
    }

    fn tree(&mut self, json: &serde_json::Value, place: &Place, scope: Scope) -> Tree {
        match json {
            serde_json::Value::String(source) => {
                let made = self.template(source, place, position_of(source), scope);
                made.map_or(Tree::Fixed(serde_json::Value::Null), Tree::Made)
            }
            serde_json::Value::Array(items) => {
                let items = items.iter().enumerate();
                Tree::List(items.map(|(index, item)| self.tree(item, &inside(place, index), scope)).collect())
            }
            serde_json::Value::Object(table) => {
                let entries = table.iter();
                Tree::Table(
                    entries.map(|(key, item)| (key.clone(), self.tree(item, &inside(place, key), scope))).collect(),
                )
            }
            fixed => Tree::Fixed(fixed.clone()),
        }
    }
}
