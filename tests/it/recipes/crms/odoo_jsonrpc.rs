//! Odoo up to 18: one address for everything, a login that gives a number, errors with status 200.

use serde_json::json;

use super::super::book::Book;
use super::super::stand_in::{Answer, Crm, Request};
use super::odoo::partners;
use super::text_at;

pub(crate) struct OdooJsonRpc;

impl Crm for OdooJsonRpc {
    fn recipe(&self) -> &'static str {
        "odoo_jsonrpc"
    }
    fn params(&self) -> &'static str {
        r#"{ database = "acme", login = "ion", key = "RPC-SECRET" }"#
    }
    fn secrets(&self) -> &'static [&'static str] {
        &["RPC-SECRET"]
    }
    fn lets_in(&self, request: &Request) -> bool {
        request.path == "/jsonrpc" && request.json()["params"]["args"][2] == "RPC-SECRET"
    }
    fn is_login(&self, request: &Request) -> bool {
        request.json()["params"]["service"] == "common"
    }
    fn refuse(&self, _: &Request) -> Answer {
        let data = json!({ "name": "odoo.exceptions.AccessDenied" });
        Answer::json(200, &json!({ "jsonrpc": "2.0", "id": null, "error": { "code": 200, "data": data } }))
    }
    fn answer(&self, request: &Request, book: Book) -> Answer {
        let params = &request.json()["params"];
        let args = &params["args"];
        let result = match (params["service"].as_str(), args[4].as_str()) {
            (Some("common"), _) => json!(2),
            (Some("object"), Some("search_read")) if args[1] == 2 => partners(&args[5][0], &args[6], book),
            (Some("object"), Some("read")) if args[3] == "res.users" && args[5] == json!([[7]]) => {
                json!([{ "id": 7, "name": "Ion", "email": "ion@example.com" }])
            }
            (Some("object"), Some("message_post")) if args[1] == 2 && args[5] == json!([[42]]) => json!(900),
            (Some("object"), Some("create")) if args[1] == 2 && args[5][0]["phone"] == "+40722111222" => json!(950),
            _ => return Answer::json(200, &json!({ "error": { "data": { "name": "builtins.TypeError" } } })),
        };
        Answer::json(200, &json!({ "jsonrpc": "2.0", "id": null, "result": result }))
    }
    fn page(&self) -> usize {
        50
    }
    fn link(&self) -> &'static str {
        "/web#id=42&model=res.partner&view_type=form"
    }
    fn log_path(&self) -> &'static str {
        "/jsonrpc"
    }
    fn created(&self, request: &Request) -> Option<String> {
        let args = &request.json()["params"]["args"];
        (args[4] == "create").then(|| text_at(args, "/5/0/name"))?
    }
    fn searched(&self, request: &Request) -> Option<String> {
        let condition = &request.json()["params"]["args"][5][0][0];
        (condition[0] == "name").then(|| text_at(condition, "/2"))?
    }
}
