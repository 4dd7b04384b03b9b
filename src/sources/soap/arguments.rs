//! Puts the arguments of one call together, as the settings or the description of the service want them.

use std::sync::Arc;

use super::settings::Arguments;
use crate::error::{Error, Kind, Result};
use crate::soap::wsdl::{Parameter, Takes};
use crate::soap::{Argument, Key, Shape, Value};

/// What is called, and how.
#[derive(Debug)]
pub(super) struct Target<'a> {
    /// How the arguments are written.
    pub(super) shape: Shape,
    /// The namespace of the function.
    pub(super) namespace: &'a str,
    /// The parameters that the service declares; `None` without a description.
    pub(super) parameters: Option<&'a [Parameter]>,
    /// How they are put together, when the settings say so.
    pub(super) put: Option<Arguments>,
    /// The order of positional arguments.
    pub(super) order: &'a [String],
}

/// The arguments of a call with these fields: the constant ones first, as PHP has them.
pub(super) fn put_together(
    target: &Target<'_>,
    constant: &[(Key, Value)],
    fields: Vec<(&str, Value)>,
) -> Result<Vec<Argument>> {
    let mut given: Vec<(Key, Value)> = constant.to_vec();
    for (name, value) in fields {
        match given.iter_mut().find(|(key, _)| name_of(key) == name) {
            Some((_, constant)) => *constant = value,
            None => given.push((Key::Text(name.to_owned()), value)),
        }
    }
    match target.parameters {
        Some(parameters) => by_description(target, parameters, given),
        None => Ok(without_description(target, given)),
    }
}

fn without_description(target: &Target<'_>, given: Vec<(Key, Value)>) -> Vec<Argument> {
    let namespace = (target.shape == Shape::DocumentLiteral).then(|| Arc::from(target.namespace));
    let argument = |name: String, value| Argument { name, namespace: namespace.clone(), value };
    match target.put.unwrap_or(Arguments::Map) {
        _ if target.shape == Shape::DocumentLiteral => {
            named(given).map(|(name, value)| argument(name, value)).collect()
        }
        Arguments::Map => vec![argument("param0".to_owned(), Value::Map(given))],
        Arguments::Struct => vec![argument("param0".to_owned(), Value::Struct(named(given).collect()))],
        Arguments::Named => named(given).map(|(name, value)| argument(name, value)).collect(),
        Arguments::Positional => {
            let values = in_order(given, target.order).into_iter().enumerate();
            values.map(|(place, value)| argument(format!("param{place}"), value)).collect()
        }
    }
}

fn by_description(target: &Target<'_>, parameters: &[Parameter], given: Vec<(Key, Value)>) -> Result<Vec<Argument>> {
    let argument = |parameter: &Parameter, value| Argument {
        name: parameter.name.clone(),
        namespace: parameter.namespace.clone(),
        value: fit(parameter.takes, value),
    };
    let takes_all = |parameter: &Parameter| {
        matches!(parameter.takes, Takes::Anything | Takes::Map | Takes::Struct)
            && !given.iter().any(|(key, _)| name_of(key) == parameter.name)
    };
    match (target.put, parameters) {
        (Some(Arguments::Positional), _) => {
            let values = in_order(given, target.order).into_iter();
            Ok(parameters.iter().zip(values).map(|(parameter, value)| argument(parameter, value)).collect())
        }
        (put, [only]) if takes_all(only) => {
            let is_struct = only.takes == Takes::Struct || put == Some(Arguments::Struct);
            let whole = if is_struct { Value::Struct(named(given).collect()) } else { Value::Map(given) };
            Ok(vec![argument(only, whole)])
        }
        _ => by_name(target, parameters, &given, argument),
    }
}

fn by_name(
    target: &Target<'_>,
    parameters: &[Parameter],
    given: &[(Key, Value)],
    argument: impl Fn(&Parameter, Value) -> Argument,
) -> Result<Vec<Argument>> {
    if !parameters.iter().any(|parameter| parameter.name == "telephone") {
        let names = parameters.iter().map(|parameter| parameter.name.as_str()).collect::<Vec<_>>().join(", ");
        let message = format!(
            "the WSDL has no parameter telephone (it has: {names}); write arguments=positional, and the order \
             of telephone, dnid and func_params in order"
        );
        return Err(Error::new(Kind::Invalid, message));
    }
    let find = |parameter: &Parameter| given.iter().find(|(key, _)| name_of(key) == parameter.name);
    let put = parameters.iter().filter_map(|parameter| match find(parameter) {
        Some((_, value)) => Some(argument(parameter, value.clone())),
        None if target.shape == Shape::DocumentLiteral && !parameter.is_required => None,
        None => Some(argument(parameter, Value::Null)),
    });
    Ok(put.collect())
}

/// The values in the wanted order; without one telephone and dnid come first, as in PHP's `f($telephone, $dnid, ...)`.
fn in_order(given: Vec<(Key, Value)>, order: &[String]) -> Vec<Value> {
    let usual = ["telephone".to_owned(), "dnid".to_owned()];
    let first = if order.is_empty() { &usual[..] } else { order };
    let mut rest = given;
    let mut values: Vec<Value> = first
        .iter()
        .map(|name| {
            let found = rest.iter().position(|(key, _)| name_of(key) == *name);
            found.map_or(Value::Null, |place| rest.remove(place).1)
        })
        .collect();
    if order.is_empty() {
        values.extend(rest.into_iter().map(|(_, value)| value));
    }
    values
}

/// The arguments that have a name which an element can have.
fn named(given: Vec<(Key, Value)>) -> impl Iterator<Item = (String, Value)> {
    let fits = |(key, value)| Some((name_of(&key), value)).filter(|(name, _)| crate::soap::is_name(name));
    given.into_iter().filter_map(fits)
}

fn name_of(key: &Key) -> String {
    match key {
        Key::Integer(place) => place.to_string(),
        Key::Text(name) => name.clone(),
    }
}

/// A value as the parameter takes it.
fn fit(takes: Takes, value: Value) -> Value {
    match (takes, value) {
        (Takes::Boolean, Value::Text(text)) => Value::Boolean(!matches!(text.as_str(), "" | "0" | "false")),
        (Takes::Integer, Value::Text(text)) => match text.parse() {
            Ok(number) => Value::Integer(number),
            Err(_) => Value::Text(text),
        },
        (Takes::Struct, Value::Map(entries)) => Value::Struct(named(entries).collect()),
        (_, value) => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(name: &str, takes: Takes) -> Parameter {
        Parameter { name: name.to_owned(), namespace: None, takes, is_required: true }
    }

    fn put(parameters: Option<&[Parameter]>, put: Option<Arguments>, order: &[&str]) -> Result<Vec<Argument>> {
        let order: Vec<String> = order.iter().map(|name| (*name).to_owned()).collect();
        let target = Target { shape: Shape::RpcEncoded, namespace: "urn:x", parameters, put, order: &order };
        let constant = [(Key::Text("do_something".to_owned()), Value::text("true"))];
        put_together(&target, &constant, vec![("telephone", Value::text("0722")), ("dnid", Value::text("021"))])
    }

    fn shown(arguments: &[Argument]) -> Vec<String> {
        arguments.iter().map(|argument| format!("{}={:?}", argument.name, argument.value)).collect()
    }

    #[test]
    fn a_parameter_of_any_type_takes_them_all() {
        let whole = put(Some(&[text("params", Takes::Anything)]), None, &[]).unwrap();
        assert!(matches!(&whole[0].value, Value::Map(entries) if entries.len() == 3), "{whole:?}");
        let object = put(Some(&[text("request", Takes::Struct)]), None, &[]).unwrap();
        assert!(matches!(&object[0].value, Value::Struct(fields) if fields.len() == 3), "{object:?}");
    }

    #[test]
    fn values_become_what_the_description_wants() {
        let wanted = [
            text("telephone", Takes::Text),
            text("dnid", Takes::Integer),
            text("do_something", Takes::Boolean),
            text("other", Takes::Text),
        ];
        let arguments = put(Some(&wanted), None, &[]).unwrap();
        let expected = ["telephone=Text(\"0722\")", "dnid=Integer(21)", "do_something=Boolean(true)", "other=Null"];
        assert_eq!(shown(&arguments), expected);
    }

    #[test]
    fn a_description_with_other_names_is_refused_until_the_order_is_given() {
        let wanted = [text("login", Takes::Text), text("phone", Takes::Text)];
        let refused = put(Some(&wanted), None, &[]).unwrap_err().to_string();
        assert!(refused.contains("login, phone") && refused.contains("arguments=positional"), "{refused}");
        let arguments = put(Some(&wanted), Some(Arguments::Positional), &["do_something", "telephone"]).unwrap();
        assert_eq!(shown(&arguments), ["login=Text(\"true\")", "phone=Text(\"0722\")"]);
    }

    #[test]
    fn without_a_description_they_go_as_the_settings_say() {
        let positional = put(None, Some(Arguments::Positional), &[]).unwrap();
        let expected = ["param0=Text(\"0722\")", "param1=Text(\"021\")", "param2=Text(\"true\")"];
        assert_eq!(shown(&positional), expected);
        let named = put(None, Some(Arguments::Named), &[]).unwrap();
        assert_eq!(
            named.iter().map(|argument| argument.name.as_str()).collect::<Vec<_>>(),
            ["do_something", "telephone", "dnid"]
        );
        assert!(matches!(&put(None, None, &[]).unwrap()[0].value, Value::Map(_)));
    }
}
