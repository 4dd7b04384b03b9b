//! How a recipe proves who it is, compiled: what goes into every request, and how a session begins.

use std::time::Duration;

use http::HeaderName;
use http::header::AUTHORIZATION;

use super::Plan;
use super::compile::{Compiler, Place, SESSION, SETTINGS, Scope, inside, place};
use super::format::{AuthKind, AuthTable};
use super::mapping::Path;
use super::template::{Position, Template};

/// How long a session is used when nobody says.
const LIFETIME: Duration = Duration::from_secs(60 * 60);

/// How a recipe proves who it is.
#[derive(Debug)]
pub(super) struct AuthPlan {
    /// What goes into every request.
    pub(super) carry: Carry,
    /// How a session begins, where there is one.
    pub(super) session: Option<SessionPlan>,
}

/// What goes into every request.
#[derive(Debug)]
pub(super) enum Carry {
    /// Nothing.
    Nothing,
    /// HTTP Basic.
    Basic { username: Template, password: Template },
    /// A header: a word, if any, and a value.
    Header { name: HeaderName, scheme: Option<String>, value: Template },
    /// A parameter of the query.
    Query { name: String, value: Template },
    /// The beginning of the path.
    Path { value: Template },
}

/// How a session begins.
#[derive(Debug)]
pub(super) struct SessionPlan {
    pub(super) login: Login,
    /// What is kept of the answer, by name.
    pub(super) fields: Vec<(String, Path)>,
    pub(super) lifetime: Duration,
}

/// The request that begins a session.
#[derive(Debug)]
pub(super) enum Login {
    /// A form that is sent to a token address.
    Token { url: Template, form: Vec<(String, Template)>, assertion: Option<Box<Assertion>> },
    /// A request of the recipe's own.
    Request(Box<Plan>),
}

/// The claims of a signed assertion, and the key that signs it.
#[derive(Debug)]
pub(super) struct Assertion {
    pub(super) issuer: Template,
    pub(super) subject: Template,
    pub(super) audience: Template,
    pub(super) key: Template,
}

impl AuthPlan {
    /// Compiles `[auth]`.
    pub(super) fn compile(table: &AuthTable, compiler: &mut Compiler<'_>) -> Self {
        let place = place(&["auth"]);
        let mut reader = Reader { table, compiler, place, used: vec!["kind"] };
        let plan = reader.plan();
        reader.refuse_others();
        plan.unwrap_or(Self { carry: Carry::Nothing, session: None })
    }
}

struct Reader<'a, 'c> {
    table: &'a AuthTable,
    compiler: &'a mut Compiler<'c>,
    place: Place,
    used: Vec<&'static str>,
}

impl Reader<'_, '_> {
    fn plan(&mut self) -> Option<AuthPlan> {
        let carry = match self.table.kind {
            AuthKind::None => Carry::Nothing,
            AuthKind::Basic => Carry::Basic { username: self.needed("username")?, password: self.needed("password")? },
            AuthKind::Bearer => bearer(self.needed("token")?),
            AuthKind::Header => Carry::Header { name: self.header_name()?, scheme: None, value: self.needed("value")? },
            AuthKind::Query => Carry::Query { name: self.name()?, value: self.needed("value")? },
            AuthKind::Path => Carry::Path { value: self.carried("value", Position::Url, SETTINGS)? },
            AuthKind::Oauth2Client | AuthKind::Oauth2Refresh | AuthKind::JwtBearer | AuthKind::Session => {
                let session = self.session()?;
                return Some(AuthPlan { carry: self.carry_of_session(&session)?, session: Some(session) });
            }
        };
        Some(AuthPlan { carry, session: None })
    }

    fn session(&mut self) -> Option<SessionPlan> {
        let login = match self.table.kind {
            AuthKind::Session => self.login()?,
            AuthKind::JwtBearer => self.jwt()?,
            kind => self.oauth(kind == AuthKind::Oauth2Refresh)?,
        };
        self.used.extend(["session", "lifetime"]);
        let mut fields = Vec::new();
        for (name, expression) in &self.table.session {
            let place = inside(&inside(&self.place, "session"), name);
            fields.extend(self.compiler.path(&Some(expression.clone()), &place).map(|path| (name.clone(), path)));
        }
        let is_login = self.table.kind == AuthKind::Session;
        if !is_login && !self.table.session.contains_key("token") {
            fields.extend(Path::compile("access_token").ok().map(|path| ("token".to_owned(), path)));
        }
        if is_login && fields.is_empty() {
            let message = "kind = \"session\" needs session, such as session = { token = \"token\" }";
            self.compiler.wrong(&self.place, message);
        }
        let lifetime = inside(&self.place, "lifetime");
        let lifetime = self.table.lifetime.as_ref().and_then(|text| self.compiler.duration(text, &lifetime));
        Some(SessionPlan { login, fields, lifetime: lifetime.unwrap_or(LIFETIME) })
    }

    fn login(&mut self) -> Option<Login> {
        self.used.push("login");
        let Some(table) = &self.table.login else {
            self.compiler.wrong(&self.place, "kind = \"session\" needs login, the request that logs in");
            return None;
        };
        let place = inside(&self.place, "login");
        Some(Login::Request(Box::new(self.compiler.plan(table, &place, SETTINGS))))
    }

    fn oauth(&mut self, refresh: bool) -> Option<Login> {
        let url = self.carried("token_url", Position::Address, SETTINGS.without_secrets())?;
        let grant = if refresh { "refresh_token" } else { "client_credentials" };
        let mut form = vec![("grant_type".to_owned(), self.fixed(grant)?)];
        for name in ["client_id", "client_secret"] {
            form.push((name.to_owned(), self.needed(name)?));
        }
        if refresh {
            form.push(("refresh_token".to_owned(), self.needed("refresh_token")?));
        }
        self.used.push("scope");
        let scope = self.table.scope.clone();
        let place = inside(&self.place, "scope");
        form.extend(
            self.compiler.optional(&scope, &place, Position::Text, SETTINGS).map(|scope| ("scope".to_owned(), scope)),
        );
        Some(Login::Token { url, form, assertion: None })
    }

    fn jwt(&mut self) -> Option<Login> {
        let url = self.carried("token_url", Position::Address, SETTINGS.without_secrets())?;
        let grant = self.fixed("urn:ietf:params:oauth:grant-type:jwt-bearer")?;
        let assertion = Assertion {
            issuer: self.needed("issuer")?,
            subject: self.needed("subject")?,
            audience: self.needed("audience")?,
            key: self.needed("key")?,
        };
        Some(Login::Token { url, form: vec![("grant_type".to_owned(), grant)], assertion: Some(Box::new(assertion)) })
    }

    /// Where the token of a session goes; a session without one goes into bodies only.
    fn carry_of_session(&mut self, session: &SessionPlan) -> Option<Carry> {
        if self.table.name.is_some() || self.table.value.is_some() {
            return Some(Carry::Header {
                name: self.header_name()?,
                scheme: None,
                value: self.carried("value", Position::Header, SESSION)?,
            });
        }
        self.used.push("scheme");
        if !session.fields.iter().any(|(name, _)| name == "token") {
            return Some(Carry::Nothing);
        }
        let scheme = self.table.scheme.clone().unwrap_or_else(|| "Bearer".to_owned());
        let value = self.compiler.template("{{ session.token }}", &self.place, Position::Header, SESSION)?;
        Some(Carry::Header { name: AUTHORIZATION, scheme: Some(scheme), value })
    }

    fn fixed(&mut self, text: &str) -> Option<Template> {
        self.compiler.template(text, &self.place, Position::Text, SETTINGS)
    }

    fn needed(&mut self, key: &'static str) -> Option<Template> {
        let position = if matches!(key, "token" | "value") { Position::Header } else { Position::Text };
        self.carried(key, position, SETTINGS)
    }

    /// The template of a credential. Secrets are allowed wherever it goes: that is what `[auth]` is for.
    fn carried(&mut self, key: &'static str, position: Position, scope: Scope) -> Option<Template> {
        self.used.push(key);
        let Some(source) = self.text(key).cloned() else {
            self.missing(key);
            return None;
        };
        self.compiler.template(&source, &inside(&self.place, key), position, scope)
    }

    fn header_name(&mut self) -> Option<HeaderName> {
        let name = self.name()?;
        let parsed = name.parse().ok();
        if parsed.is_none() {
            self.compiler.wrong(&inside(&self.place, "name"), format!("{name:?} is no name of a header"));
        }
        parsed
    }

    fn name(&mut self) -> Option<String> {
        self.used.push("name");
        if self.table.name.is_none() {
            self.missing("name");
        }
        self.table.name.clone()
    }

    fn missing(&mut self, key: &str) {
        let kind = kind_word(self.table.kind);
        self.compiler.wrong(&self.place, format!("kind = \"{kind}\" needs {key}"));
    }

    /// A key that does nothing with this kind is a mistake.
    fn refuse_others(&mut self) {
        let kind = kind_word(self.table.kind);
        for key in KEYS {
            if self.text(key).is_some() && !self.used.contains(&key) {
                self.compiler.wrong(&inside(&self.place, key), format!("{key} does nothing with kind = \"{kind}\""));
            }
        }
    }

    fn text(&self, key: &str) -> Option<&String> {
        let table = self.table;
        let text = match key {
            "username" => &table.username,
            "password" => &table.password,
            "token" => &table.token,
            "name" => &table.name,
            "value" => &table.value,
            "token_url" => &table.token_url,
            "client_id" => &table.client_id,
            "client_secret" => &table.client_secret,
            "refresh_token" => &table.refresh_token,
            "scope" => &table.scope,
            "issuer" => &table.issuer,
            "subject" => &table.subject,
            "audience" => &table.audience,
            "key" => &table.key,
            "scheme" => &table.scheme,
            "lifetime" => &table.lifetime,
            _ => return None,
        };
        text.as_ref()
    }
}

const KEYS: [&str; 16] = [
    "username",
    "password",
    "token",
    "name",
    "value",
    "token_url",
    "client_id",
    "client_secret",
    "refresh_token",
    "scope",
    "issuer",
    "subject",
    "audience",
    "key",
    "scheme",
    "lifetime",
];

fn bearer(value: Template) -> Carry {
    Carry::Header { name: AUTHORIZATION, scheme: Some("Bearer".to_owned()), value }
}

fn kind_word(kind: AuthKind) -> &'static str {
    match kind {
        AuthKind::None => "none",
        AuthKind::Basic => "basic",
        AuthKind::Bearer => "bearer",
        AuthKind::Header => "header",
        AuthKind::Query => "query",
        AuthKind::Path => "path",
        AuthKind::Oauth2Client => "oauth2_client",
        AuthKind::Oauth2Refresh => "oauth2_refresh",
        AuthKind::JwtBearer => "jwt_bearer",
        AuthKind::Session => "session",
    }
}
