//! What an import did, or would do: all its files together, for people and for programs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::directory::{Difference, ImportSummary};
use crate::model::{Contact, Field};

use super::columns::shorten_to;
use super::problem::Group;
use super::report::{PLACES, Report, contacts_text, grouped, printable};

/// How many contacts a preview shows side by side.
pub const SHOWN: usize = 20;

/// How wide a value is shown, in characters.
const WIDTH: usize = 34;

/// How many kinds of problems a preview shows, and how many places of each.
const WORST: usize = 5;
const WORST_PLACES: usize = 3;

/// An import that has ended well.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// The address book.
    pub directory: String,
    /// What was imported, as it is called in messages.
    pub source: String,
    /// Each file and its report.
    pub files: Vec<(String, Report)>,
    /// What happened to the contacts.
    pub contacts: ImportSummary,
    /// What a preview shows; `None` when the import was done.
    pub preview: Option<Preview>,
}

/// What was not done.
#[derive(Debug, Clone, Default)]
pub struct Preview {
    /// The first contacts as they are and would be.
    pub differences: Vec<Difference>,
    /// Why the import would be refused.
    pub refusal: Option<String>,
}

impl Outcome {
    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = match &self.preview {
            None => format!("Imported {} into the directory {:?}.\n", self.source, self.directory),
            Some(_) => format!(
                "Preview of importing {} into the directory {:?}. Nothing has been changed.\n",
                self.source, self.directory
            ),
        };
        match &self.files[..] {
            [(_, only)] => {
                _ = write!(out, "{}{}{}", only.rows_text(), contacts_text(&self.contacts), only.numbers_text());
            }
            files => {
                out.push_str(&contacts_text(&self.contacts));
                for (name, report) in files {
                    _ = write!(out, "{name}\n{}{}", report.rows_text(), report.numbers_text());
                }
            }
        }
        if self.preview.is_none() && self.changes_nothing() {
            out.push_str("Nothing has changed: the directory already held what the import says.\n");
        }
        if let Some(preview) = &self.preview {
            self.write_preview(preview, &mut out);
        } else {
            self.write_problems(&mut out);
        }
        out
    }

    fn changes_nothing(&self) -> bool {
        let ImportSummary { added, changed, removed, unchanged, .. } = self.contacts;
        added + changed + removed == 0 && unchanged > 0
    }

    fn write_problems(&self, out: &mut String) {
        for (name, report) in &self.files {
            let text = report.problems_text(PLACES);
            if self.files.len() > 1 && !text.is_empty() {
                _ = write!(out, "\nIn {name}:\n");
            }
            out.push_str(&text);
        }
    }

    fn write_preview(&self, preview: &Preview, out: &mut String) {
        if self.changes_nothing() {
            out.push_str("The import would change nothing.\n");
        }
        if let Some(refusal) = &preview.refusal {
            _ = writeln!(out, "\nThe import would be refused: {refusal}");
        }
        if !preview.differences.is_empty() {
            let total = self.contacts.added + self.contacts.changed + self.contacts.removed;
            _ = writeln!(out, "\nThe first {} of {} changes:", preview.differences.len(), grouped(total));
        }
        for difference in &preview.differences {
            write_difference(difference, out);
        }
        self.write_worst(out);
    }

    /// The kinds of problems that occur most often.
    fn write_worst(&self, out: &mut String) {
        let mut worst = Vec::new();
        for (name, report) in &self.files {
            worst.extend(Group::ALL.into_iter().flat_map(|group| report.of(group)).map(|found| (name, found)));
        }
        worst.sort_by_key(|(_, (_, tally))| std::cmp::Reverse(tally.count));
        if !worst.is_empty() {
            _ = writeln!(out, "\nThe worst problems:");
        }
        for (name, (problem, tally)) in worst.iter().take(WORST) {
            let file = if self.files.len() > 1 { format!(" ({name})") } else { String::new() };
            _ = writeln!(
                out,
                "  {:>7}  {}: {}{file}",
                grouped(tally.count),
                problem.group().heading(),
                problem.explain()
            );
            for place in tally.first.iter().take(WORST_PLACES) {
                let found = if place.found.is_empty() { String::new() } else { format!(": {}", place.found) };
                _ = writeln!(out, "           line {}{found}", place.line);
            }
        }
        if worst.len() > WORST {
            _ = writeln!(out, "  and {} other kinds; --report FILE has them all", worst.len() - WORST);
        }
    }

    /// For programs: one object; with several files, one for each of them within it.
    #[must_use]
    pub fn json(&self) -> Value {
        let mut report = match &self.files[..] {
            [(name, only)] => {
                let mut only = only.clone();
                only.contacts = self.contacts;
                only.json(name, &self.directory)
            }
            files => {
                let files: Vec<Value> = files.iter().map(|(name, report)| self.file_json(name, report)).collect();
                json!({
                    "folder": self.source,
                    "directory": self.directory,
                    "contacts": {
                        "added": self.contacts.added,
                        "changed": self.contacts.changed,
                        "unchanged": self.contacts.unchanged,
                        "removed": self.contacts.removed,
                    },
                    "revision": self.contacts.revision.0,
                    "files": files,
                })
            }
        };
        if let Some(preview) = &self.preview {
            report["revision"] = Value::Null;
            report["preview"] = json!({
                "refusal": preview.refusal,
                "changes": preview.differences.iter().map(difference_json).collect::<Vec<_>>(),
            });
        }
        report
    }

    /// What contacts a file alone has changed is not known: they are counted for all files together.
    fn file_json(&self, name: &str, report: &Report) -> Value {
        let mut file = report.json(name, &self.directory);
        if let Some(object) = file.as_object_mut() {
            for key in ["directory", "contacts", "revision"] {
                object.shift_remove(key);
            }
        }
        file
    }
}

fn kind(difference: &Difference) -> &'static str {
    match (&difference.before, &difference.after) {
        (None, _) => "added",
        (_, None) => "removed",
        _ => "changed",
    }
}

fn id(difference: &Difference) -> String {
    let contact = difference.after.as_ref().or(difference.before.as_ref());
    contact.map_or_else(String::new, |contact| contact.id.to_string())
}

/// What differs: field, value before, value after; nothing is an empty text.
fn fields(difference: &Difference) -> Vec<(String, String, String)> {
    let before = difference.before.as_ref().map(values).unwrap_or_default();
    let after = difference.after.as_ref().map(values).unwrap_or_default();
    let names: std::collections::BTreeSet<&(usize, String)> = before.keys().chain(after.keys()).collect();
    let value = |values: &BTreeMap<(usize, String), String>, name| values.get(name).cloned().unwrap_or_default();
    let all = names.into_iter().map(|name| (name.1.clone(), value(&before, name), value(&after, name)));
    all.filter(|(_, before, after)| before != after).collect()
}

/// Everything that a contact holds, in the order in which it is shown.
fn values(contact: &Contact) -> BTreeMap<(usize, String), String> {
    let mut values = BTreeMap::new();
    let mut put = |place: usize, name: &str, value: String| {
        if !value.is_empty() {
            values.insert((place, name.to_owned()), value);
        }
    };
    for (place, field) in Field::ALL.into_iter().enumerate() {
        put(place, field.as_str(), contact.get(field).unwrap_or_default().to_owned());
    }
    let number = |number: &crate::model::ContactNumber| match number.label.is_empty() {
        true => number.written.clone(),
        false => format!("{} ({})", number.written, number.label),
    };
    let behind = Field::ALL.len();
    put(behind, "telephone", contact.numbers.iter().map(number).collect::<Vec<_>>().join(", "));
    put(behind + 1, "block", contact.blocks.join(", "));
    put(behind + 2, "primary", if contact.primary { "yes".to_owned() } else { String::new() });
    for (name, value) in &contact.custom {
        put(behind + 3, &format!("custom.{name}"), value.clone());
    }
    values
}

fn write_difference(difference: &Difference, out: &mut String) {
    _ = writeln!(out, "  {} {}", kind(difference), printable(&id(difference)));
    for (name, before, after) in fields(difference) {
        let show = |text: &str| match text {
            "" => "-".to_owned(),
            text => shorten_to(&printable(text), WIDTH - 3),
        };
        let (name, before, after) = (shorten_to(&printable(&name), 20), show(&before), show(&after));
        _ = match kind(difference) {
            "added" => writeln!(out, "    {name:<18} {after}"),
            "removed" => writeln!(out, "    {name:<18} {before}"),
            _ => writeln!(out, "    {name:<18} {before:<WIDTH$} -> {after}"),
        };
    }
}

fn difference_json(difference: &Difference) -> Value {
    let value = |text: String| if text.is_empty() { Value::Null } else { Value::String(text) };
    let fields: Vec<Value> = fields(difference)
        .into_iter()
        .map(|(name, before, after)| json!({ "field": name, "before": value(before), "after": value(after) }))
        .collect();
    json!({ "change": kind(difference), "id": id(difference), "fields": fields })
}
