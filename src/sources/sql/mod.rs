//! SQL: the contacts are in a database of the user's own, PostgreSQL, MariaDB or MySQL, or SQLite.
//!
//! The query is the user's; its named parameters are bound and never pasted (`statement`). `settings` says where, `engine` runs it, `pool` keeps
//! connections, `values` makes JSON of rows, which [`Mapping`] makes contacts of: columns named like the fields map by
//! themselves. Whatever the query finds is verified: a row without a number column is an error, since nobody could tell
//! whether it is the caller's.

mod engine;
mod failure;
mod pool;
mod postgres;
mod settings;
mod statement;
mod values;
mod way;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::budget::Budget;
use super::mapping::Mapping;
use super::{ApiType, Built, Inputs, Pending, Question, Source, Workbench};
use crate::config::{self, Complaint};
use crate::directory::Hit;
use crate::directory::import::is_telephone_column;
use crate::error::{Error, Kind, Result};
use crate::number::{self, Numbering, Phone};
use crate::sources::verify::add_new;

use engine::Engine;
use pool::Pool;
use settings::Settings;
use statement::{Statement, Values};

/// `type = "sql"`.
pub(super) const SQL: ApiType = ApiType { name: "sql", check, build };

/// A database that is asked with a query. It owns its connections; they are closed when the last lookup has ended that
/// uses it.
#[derive(Clone)]
struct Sql(Arc<Inner>);

struct Inner {
    name: Arc<str>,
    statement: Statement,
    mapping: Mapping,
    source: config::Source,
    pool: Pool,
    budget: Arc<Budget>,
    timeout: Duration,
}

fn check(source: &config::Source) -> Vec<Complaint> {
    let mut complaints = Mapping::check_map(source);
    if let Err(why) = Settings::read(source) {
        complaints.push(Complaint::mistake(source.url.is_some().then_some("url"), why.to_string()));
    }
    match source.query.as_deref().map(Statement::read) {
        None => complaints.push(Complaint::mistake(
            None,
            "there is no query; expected one such as query = \"SELECT * FROM contacts WHERE telephone = :national\"",
        )),
        Some(Err(why)) => complaints.push(Complaint::mistake(Some("query"), why)),
        Some(Ok(statement)) if !statement.asks_for_a_number() => complaints.push(Complaint::warning(
            Some("query"),
            "the query does not use the caller's number; write :national, :e164 or another spelling into it",
        )),
        Some(Ok(statement)) if !source.forms.is_empty() && !statement.uses_forms() => complaints
            .push(Complaint::mistake(Some("forms"), "the query does not use forms; write WHERE telephone IN (:forms)")),
        Some(Ok(_)) => {}
    }
    if !source.params.is_empty() {
        complaints.push(Complaint::mistake(Some("params"), "type \"sql\" takes no params; it has url and query"));
    }
    if source.form.is_some() {
        let message = "the query says which spelling it wants, such as :national; leave form out";
        complaints.push(Complaint::mistake(Some("form"), message));
    }
    complaints
}

fn build(source: &config::Source, workbench: Workbench) -> Result<Built> {
    if source.tenant {
        let message =
            "a tenant cannot have a source of type \"sql\": a database driver connects wherever it is told to";
        return Err(Error::new(Kind::Invalid, message));
    }
    let query = source.query.as_deref().unwrap_or_default();
    let statement = Statement::read(query).map_err(|why| Error::new(Kind::Invalid, why))?;
    let settings = Settings::read(source)?;
    let sql = Sql(Arc::new(Inner {
        name: Arc::clone(&source.name),
        statement,
        mapping: Mapping::of_rows(source)?,
        source: source.clone(),
        pool: Pool::new(Engine::new(settings), source.max_in_flight, workbench.clock),
        budget: workbench.budget,
        timeout: source.timeout,
    }));
    Ok(Built::finder(Arc::new(sql)))
}

impl Source for Sql {
    fn name(&self) -> &Arc<str> {
        &self.0.name
    }

    fn inputs(&self) -> Inputs {
        let uses = |name: &str| self.0.statement.uses(name);
        Inputs { dnid: uses("dnid"), project: uses("project"), raw: uses("raw"), numbering: true, ..Inputs::default() }
    }

    fn find(&self, question: Arc<Question>) -> Pending<'static> {
        let inner = Arc::clone(&self.0);
        Box::pin(async move { inner.ask(&question).await })
    }
}

impl Inner {
    async fn ask(&self, question: &Question) -> Result<Vec<Hit>> {
        let (numbering, mut hits) = (question.numbering_of(&self.source.numbering), Vec::new());
        for reading in question.number.readings() {
            add_new(&mut hits, self.ask_reading(question, reading, &numbering).await?);
        }
        Ok(hits)
    }

    async fn ask_reading(&self, question: &Question, reading: &Phone, numbering: &Numbering) -> Result<Vec<Hit>> {
        let forms = number::forms(reading, numbering.country.as_deref());
        let values = Values { forms: &forms, wanted: &self.source.forms, call: &question.call };
        self.budget.pay(self.timeout).await?;
        let rows = self.pool.run(&self.statement, &values).await?;
        let columns = self.number_columns(&rows)?;
        let rows: Vec<Value> = rows.into_iter().map(Value::Object).collect();
        self.mapping.contacts_of_rows(Value::Array(rows), &columns)?.verified(&question.number, numbering)
    }

    /// The columns that hold numbers: those of `numbers`, or those whose names say so.
    fn number_columns(&self, rows: &[Map<String, Value>]) -> Result<Vec<String>> {
        let Some(row) = rows.first() else { return Ok(Vec::new()) };
        let configured = &self.source.numbers;
        if let Some(missing) = configured.iter().find(|name| !row.contains_key(*name)) {
            return Err(Error::new(Kind::Corrupt, format!("the query returns no column \"{missing}\" (numbers)")));
        }
        if !configured.is_empty() {
            return Ok(configured.clone());
        }
        let guessed: Vec<String> = row.keys().filter(|name| is_telephone_column(name)).cloned().collect();
        if guessed.is_empty() {
            let message = "no column of the query holds a number, so nobody can tell whose the rows are; select the \
                           number too, or name its column in numbers";
            return Err(Error::new(Kind::Corrupt, message));
        }
        Ok(guessed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::settings_for_tests;
    use crate::sources::stand_in::{question, workbench};

    /// What a query on a database with this table finds for a caller.
    async fn found(rows: &str, query: &str, telephone: &str) -> Result<Vec<Hit>> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("crm.db");
        let tables =
            format!("CREATE TABLE c (id INT, name TEXT, telephone TEXT, note TEXT); INSERT INTO c VALUES {rows}");
        rusqlite::Connection::open(&file).unwrap().execute_batch(&tables).unwrap();
        let keys = format!("country = \"RO\"\nurl = \"sqlite:{}\"\nquery = \"{query}\"", file.display());
        let built = build(&settings_for_tests("crm", &keys), workbench()).unwrap();
        built.source.find(question(telephone)).await
    }

    #[tokio::test]
    async fn more_rows_than_are_read_without_the_caller_are_no_unknown_caller() {
        let rows = (0..60).map(|row| format!("({row}, 'N{row}', '+4072{row:02}11222', NULL)")).collect::<Vec<_>>();
        let query = "SELECT * FROM c WHERE :e164 <> '' ORDER BY id";
        assert_eq!(found(&rows.join(","), query, "+40720711222").await.unwrap().len(), 1);
        let error = found(&rows.join(","), query, "+40725911222").await.unwrap_err();
        assert_eq!(error.kind(), Kind::Corrupt, "{error}");
    }

    #[tokio::test]
    async fn a_row_without_a_number_is_nobody_whatever_it_was_found_by() {
        let rows = "(1, 'Ana', NULL, 'asked for 0722111222'), (2, 'Ion', ' ', '0722111222')";
        let query = "SELECT * FROM c WHERE note LIKE '%' || :national";
        assert_eq!(found(rows, query, "0722111222").await.unwrap().len(), 0);
    }
}
