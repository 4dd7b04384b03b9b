//! What the modules above the configuration have to say while it is read.

use crate::config::Checks;
use crate::sources;

use super::rules;

/// Every check, for [`load`](crate::config::load()).
pub const CHECKS: Checks<'static> =
    Checks { source: &sources::check, recipe: &sources::check_recipe, project: &rules::check };
