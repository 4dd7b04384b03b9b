//! Routes and queues: where a project lists what its PBX has, nothing else leaves.

use crate::config::Project;
use crate::model::{CallerData, Field};

use super::Violation;
use super::line::{is_listed, parts, without_technology};

/// Takes out of a checked answer what the project's lists of routes and queues do not have.
pub(in crate::lookup) fn keep_listed(data: &mut CallerData, project: &Project, violations: &mut Vec<Violation>) {
    for (field, value) in
        [(Field::RouteIdentifier, &mut data.route_identifier), (Field::DirectLine, &mut data.direct_line)]
    {
        let Some(text) = value.as_deref() else { continue };
        if let Some(why) = unlisted(field, text, project) {
            violations.push(Violation::new(field.as_str(), text, None, why.into()));
            *value = None;
        }
    }
}

/// What is wrong with a value that is well formed, when the project lists what there is.
pub(in crate::lookup) fn unlisted(field: Field, value: &str, project: &Project) -> Option<&'static str> {
    let routing = &project.routing;
    match field {
        Field::RouteIdentifier if !routing.routes.is_empty() => {
            let known = routing.routes.iter().any(|route| route.identifier == value.trim());
            (!known).then_some("not the identifier of one of the project's routes")
        }
        Field::DirectLine => {
            let queues = routing.queues.as_ref()?;
            let is_known = |line: &str| {
                let is_device = without_technology(line).len() < line.len();
                let is_allowed = || project.reply.direct_lines.as_ref().is_some_and(|listed| is_listed(line, listed));
                is_device || queues.iter().any(|queue| queue == line) || is_allowed()
            };
            (!parts(value.trim()).all(is_known)).then_some("not one of the project's queues")
        }
        _ => None,
    }
}
