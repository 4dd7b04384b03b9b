//! The parameters of the documentation, of PHP, and those that somebody may have meant.

use super::*;
use crate::sources::settings_for_tests;

fn source(keys: &str) -> config::Source {
    settings_for_tests("crm", keys)
}

fn read_params(params: &str) -> (Option<Settings>, Vec<String>) {
    let keys = format!("url = \"https://crm.example.com/soap?wsdl\"\nparams = \"{params}\"");
    let (settings, complaints) = read(&source(&keys));
    (settings, complaints.into_iter().map(|complaint| complaint.message).collect())
}

#[test]
fn the_documented_parameters_are_read_as_they_stand() {
    let (settings, complaints) = read_params(
        "func_name=getCallerInfo&init_params[login]=asdf&init_params[password]=1234&func_params[do_something]=true",
    );
    let settings = settings.unwrap();
    assert!(complaints.is_empty(), "{complaints:?}");
    assert_eq!(settings.function, "getCallerInfo");
    assert_eq!(settings.login, Some(("asdf".to_owned(), "1234".to_owned())));
    assert_eq!(settings.arguments, [(Key::Text("do_something".to_owned()), Value::text("true"))]);
    assert!(matches!(settings.description, Some(Place::Web(_))) && settings.put.is_none());
}

#[test]
fn with_a_namespace_there_is_no_description() {
    let (settings, _) = read_params("func_name=f&init_params[uri]=urn:x&init_params[location]=http://h/s&version=1.2");
    let settings = settings.unwrap();
    assert_eq!(settings.description, None);
    assert_eq!((settings.location.unwrap().as_str(), settings.namespace.as_str()), ("http://h/s", "urn:x"));
    assert_eq!((settings.put, settings.version), (Some(Arguments::Map), Some(Version::V12)));
}

#[test]
fn what_php_ignores_is_accepted_with_a_warning() {
    let params = "func_name=f&init_params[soap_version]=2&init_params[trace]=1&init_params[lgoin]=x";
    let (settings, complaints) = read_params(params);
    assert!(settings.is_some());
    assert!(complaints[0].contains("write version=1.2"), "{complaints:?}");
    assert!(complaints[2].contains("did you mean login?"), "{complaints:?}");
}

#[test]
fn each_mistake_is_named_with_what_was_expected() {
    for (params, words) in [
        ("", "func_name is missing"),
        ("func_name=a b", "func_name is \"a b\""),
        ("func_name=f&funcparams[a]=1", "did you mean func_params?"),
        ("func_name=f&arguments=list", "expected one of map, struct, named, positional"),
        ("func_name=f&version=2", "expected one of 1.1, 1.2"),
        ("func_name=f&init_params[location]=ftp://x", "init_params[location] is no address"),
        ("func_name=f&init_params[proxy_host]=x", "not supported"),
    ] {
        let (settings, complaints) = read_params(params);
        assert!(settings.is_none() && complaints.iter().any(|found| found.contains(words)), "{params}: {complaints:?}");
    }
    let (settings, complaints) = read(&source("params = \"func_name=f\""));
    assert!(settings.is_none() && complaints[0].message.contains("there is no address"));
}

#[test]
fn inner_parameters_are_lists_or_maps() {
    let (settings, _) = read_params("func_name=f&func_params[a][]=1&func_params[a][]=2&func_params[b][x]=1");
    let arguments = settings.unwrap().arguments;
    assert_eq!(arguments[0].1, Value::List(vec![Value::text("1"), Value::text("2")]));
    assert_eq!(arguments[1].1, Value::Map(vec![(Key::Text("x".to_owned()), Value::text("1"))]));
}
