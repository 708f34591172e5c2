//! A session with the cloud: one token, renewed quietly, and calls that carry it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::catalog::{self, Place, Service};
use super::wire::{Page, Projects, TokenAnswer, TokenBody, Versions};
use super::{identity, keep, oidc};
use crate::base::Cx;
use crate::base::http::{Answer, Body, Http, Method, Repeat, Request, Retries, Settings, StatusCode, Tls, Url};
use crate::model::account::{OpenstackAccount, OpenstackAuth, Scope, Secret};
use crate::model::{Class, Failure, Time};

/// A token is renewed when it has less than this left.
const MARGIN: Duration = Duration::from_secs(120);
/// Most pages of one list.
const PAGES: usize = 10_000;
/// Projects that a message names.
const NAMED: usize = 20;

/// Proof of who we are, for a while.
#[derive(Debug)]
pub struct Token {
    pub secret: SecretString,
    pub body: TokenBody,
    /// When it is to be renewed, by our own clock.
    pub until: Instant,
}

impl Token {
    /// The project that it is for.
    pub fn project(&self) -> Option<&str> {
        self.body.project.as_ref()?.id.as_deref()
    }
}

/// See the module.
pub struct Session {
    http: Http,
    pub account: OpenstackAccount,
    token: tokio::sync::Mutex<Option<Arc<Token>>>,
    places: Mutex<HashMap<Service, Arc<Place>>>,
    /// Agreed on one at a time.
    agreeing: tokio::sync::Mutex<()>,
    /// Where the token is kept between starts.
    kept: Option<PathBuf>,
}

/// One call to a service.
#[derive(Clone)]
pub struct Call {
    service: Service,
    method: Method,
    path: String,
    query: String,
    body: Body,
    headers: Vec<(&'static str, String)>,
    repeat: Option<Repeat>,
    tried: String,
}

impl Call {
    pub fn new(service: Service, method: Method, path: impl Into<String>, tried: impl Into<String>) -> Self {
        let (path, tried) = (path.into(), tried.into());
        Self { service, method, path, query: String::new(), body: Body::Empty, headers: Vec::new(), repeat: None, tried }
    }

    pub fn get(service: Service, path: impl Into<String>, tried: impl Into<String>) -> Self {
        Self::new(service, Method::GET, path, tried)
    }

    /// `a=b&c=d`, encoded.
    #[must_use]
    pub fn query(mut self, pairs: &[(&str, &str)]) -> Self {
        self.query = encode(pairs);
        self
    }

    #[must_use]
    pub fn json(mut self, value: &Value) -> Self {
        self.headers.push(("content-type", "application/json".to_owned()));
        self.body = Body::Bytes(value.to_string().into());
        self
    }

    #[must_use]
    pub fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    #[must_use]
    pub fn repeat(mut self, repeat: Repeat) -> Self {
        self.repeat = Some(repeat);
        self
    }
}

/// Query pairs, encoded.
pub fn encode(pairs: &[(&str, &str)]) -> String {
    // The base is never seen: only its encoder is used.
    let Ok(mut url) = Url::parse("http://x") else { return String::new() };
    url.query_pairs_mut().extend_pairs(pairs);
    url.query().unwrap_or_default().to_owned()
}

/// What a call brought, whatever its status.
pub struct Reply {
    pub answer: Answer,
    request: Request,
}

impl Reply {
    pub fn status(&self) -> StatusCode {
        self.answer.status
    }

    /// The reply, if all went well.
    ///
    /// # Errors
    /// What the status means.
    pub fn ok(self) -> Result<Self, Failure> {
        let answer = self.answer.ok(&self.request)?;
        Ok(Self { answer, request: self.request })
    }

    /// What it says.
    ///
    /// # Errors
    /// The status is bad, or it makes no sense.
    pub fn json<T: DeserializeOwned>(self) -> Result<T, Failure> {
        let this = self.ok()?;
        this.answer.json(&this.request)
    }

    /// What its status means.
    pub fn failure(&self) -> Failure {
        self.answer.failure(&self.request)
    }
}

impl Session {
    /// A session that has not begun. `kept`: a file for the token, where it may be kept.
    ///
    /// # Errors
    /// The account's certificates cannot be used.
    pub fn open(account: OpenstackAccount, kept: Option<PathBuf>) -> Result<Self, Failure> {
        let tls = Tls {
            verify: account.verify,
            ca_file: account.ca_file.clone(),
            certificate: account.certificate.clone(),
            key: account.key.clone(),
        };
        let retries = Retries { more: account.retries.unwrap_or(Retries::default().more), ..Retries::default() };
        let http = Http::open(Settings { tls, retries, ..Settings::default() })?;
        Ok(Self {
            http,
            account,
            token: tokio::sync::Mutex::default(),
            places: Mutex::default(),
            agreeing: tokio::sync::Mutex::default(),
            kept,
        })
    }

    /// Tells `watch` of every call.
    #[must_use]
    pub fn watched(mut self, watch: Arc<dyn crate::base::http::Watch>) -> Self {
        self.http = self.http.watched(watch);
        self
    }

    /// The transport, for what needs no token.
    pub fn http(&self) -> &Http {
        &self.http
    }

    // --- tokens ---

    /// A token that holds: the one there is, else a new one. Whoever comes meanwhile waits for the same.
    ///
    /// # Errors
    /// Keystone does not answer, or refuses.
    pub async fn token(&self, cx: &Cx) -> Result<Arc<Token>, Failure> {
        let mut held = self.token.lock().await;
        if let Some(token) = held.as_ref().filter(|token| Instant::now() < token.until) {
            return Ok(Arc::clone(token));
        }
        let fresh = match held.is_none().then(|| self.kept_token()).flatten() {
            Some(token) => token,
            None => self.log_in(cx).await?,
        };
        let fresh = Arc::new(fresh);
        *held = Some(Arc::clone(&fresh));
        Ok(fresh)
    }

    /// A token that was refused is not used again; one that came after it is left alone.
    async fn refused(&self, old: &Arc<Token>) {
        let mut held = self.token.lock().await;
        if held.as_ref().is_some_and(|token| Arc::ptr_eq(token, old)) {
            *held = None;
            if let Some(path) = &self.kept {
                keep::drop(path);
            }
        }
    }

    fn kept_token(&self) -> Option<Token> {
        keep::read(self.kept.as_ref()?, &self.account, Time(now_ms()))
    }

    /// Asks whether the token still holds; logs in anew when it does not.
    ///
    /// # Errors
    /// As [`Session::token`].
    pub async fn check(&self, cx: &Cx) -> Result<Arc<Token>, Failure> {
        let had = self.token.lock().await.clone();
        let token = self.token(cx).await?;
        if had.is_none_or(|had| !Arc::ptr_eq(&had, &token)) {
            return Ok(token);
        }
        let secret = token.secret.clone();
        let request = self.keystone(Method::HEAD, "/auth/tokens", "check the token");
        let request = request.secret_header("x-auth-token", &secret).secret_header("x-subject-token", &secret);
        let answer = self.http.send(cx, &request).await?;
        match answer.status.as_u16() {
            401 | 404 => {
                self.refused(&token).await;
                self.token(cx).await
            }
            // Some clouds forbid the question; the token worked so far.
            403 => Ok(token),
            _ => answer.ok(&request).map(|_| token),
        }
    }

    fn keystone(&self, method: Method, path: &str, tried: &str) -> Request {
        let url = &self.account.auth_url;
        let base = url.strip_suffix("/v3").or_else(|| url.strip_suffix("/v2.0")).unwrap_or(url);
        let whole = Url::parse(&format!("{base}/v3{path}"));
        // The account's address was read as one; a path of ours adds nothing odd.
        let fallback = || Url::parse("http://invalid/").unwrap_or_else(|_| unreachable!("a constant"));
        Request::new(method, whole.unwrap_or_else(|_| fallback()), tried)
    }

    /// Logs in with the account's credentials.
    async fn log_in(&self, cx: &Cx) -> Result<Token, Failure> {
        let tried = format!("log in as {}", identity::who(&self.account.auth));
        let (answer, request) = match &self.account.auth {
            OpenstackAuth::Oidc(federated) => {
                let unscoped = oidc::log_in(self, cx, federated, &tried).await?;
                match &self.account.scope {
                    Scope::Unsaid => unscoped,
                    scope => {
                        let secret = Secret::new(subject(&unscoped.0).unwrap_or_default());
                        self.post_token(cx, identity::with_token(&secret, scope), &tried).await?
                    }
                }
            }
            auth => self.post_token(cx, identity::body(auth, &self.account.scope), &tried).await?,
        };
        if !answer.status.is_success() {
            return Err(self.why_refused(cx, &answer, &request).await);
        }
        let token = self.taken(answer, &request)?;
        if let Some(path) = &self.kept {
            keep::write(path, &self.account, &token.0, token.1);
        }
        Ok(token.0)
    }

    /// A log-in changes nothing: it may be repeated, unless what it shows works only once.
    async fn post_token(&self, cx: &Cx, body: Value, tried: &str) -> Result<(Answer, Request), Failure> {
        let repeat = if identity::lasts(&self.account.auth) { Repeat::Always } else { Repeat::Unbegun };
        let mut request = self.keystone(Method::POST, "/auth/tokens", tried).json(&body).repeat(repeat);
        for secret in identity::secrets(&self.account.auth) {
            request = request.hide(secret.get());
        }
        let answer = self.http.send(cx, &request).await?;
        Ok((answer, request))
    }

    /// The token of an answer, with the time when it ends, milliseconds since 1970.
    fn taken(&self, answer: Answer, request: &Request) -> Result<(Token, Time), Failure> {
        let strange = || {
            Failure::broken(request.tried(), "the answer holds no token")
                .at(request.at())
                .next("check that auth_url is that of a Keystone with v3")
        };
        let secret = subject(&answer).map(SecretString::from).ok_or_else(strange)?;
        let body = answer.json::<TokenAnswer>(request)?.token;
        let now = answer.date().unwrap_or(Time(now_ms()));
        let ends = body.expires_at.as_deref().and_then(super::convert::time).unwrap_or(Time(now.0 + 3_600_000));
        let left = Duration::from_millis(u64::try_from(ends.0 - now.0).unwrap_or(0));
        // A cloud of very short tokens gets half of their time, so that each is used at all.
        let until = Instant::now() + left.saturating_sub(MARGIN).max(left / 2);
        Ok((Token { secret, body, until }, Time(now_ms() + i64::try_from(left.as_millis()).unwrap_or(0))))
    }

    /// What a refused log-in means: which of the words is wrong, where that can be found out.
    async fn why_refused(&self, cx: &Cx, answer: &Answer, request: &Request) -> Failure {
        let failure = answer.failure(request);
        let account = &self.account;
        if answer.status == StatusCode::NOT_FOUND {
            return failure.next(format!("there is no Keystone v3: check auth_url in {}", account.source));
        }
        if failure.class != Class::Credentials {
            return failure.next(format!("check the account in {}", account.source));
        }
        if let Scope::Project(project) = &account.scope
            && identity::lasts(&account.auth)
            && !matches!(account.auth, OpenstackAuth::ApplicationCredential { .. } | OpenstackAuth::Oidc(_))
            && let Some(projects) = self.projects_of(cx).await
        {
            let word = project.called.word();
            let got = format!("the credentials are right, but there is no project {word} for them");
            let mut known: Vec<&str> = projects.projects.iter().filter_map(|p| p.name.as_deref()).collect();
            known.sort_unstable();
            let more = known.len().saturating_sub(NAMED);
            known.truncate(NAMED);
            let mut next = match known.is_empty() {
                true => "they have no project at all: ask who runs the cloud".to_owned(),
                false => format!("set project_name in {}; the projects are: {}", account.source, known.join(", ")),
            };
            if more > 0 {
                next.push_str(&format!(" and {more} more"));
            }
            return Failure::new(Class::Credentials, request.tried(), got).at(request.at()).next(next);
        }
        failure.next(identity::advice(account))
    }

    /// The projects that the credentials alone open; `None` when they are wrong themselves.
    async fn projects_of(&self, cx: &Cx) -> Option<Projects> {
        let (answer, request) = self.post_token(cx, identity::unscoped(&self.account.auth), "list projects").await.ok()?;
        let (token, _) = self.taken(answer.ok(&request).ok()?, &request).ok()?;
        let request = self.keystone(Method::GET, "/auth/projects", "list projects").secret_header("x-auth-token", &token.secret);
        self.http.send(cx, &request).await.ok()?.ok(&request).ok()?.json(&request).ok()
    }

    // --- services ---

    /// Where a service is; found out once.
    ///
    /// # Errors
    /// The catalog has none, or it does not answer.
    pub async fn place(&self, cx: &Cx, service: Service) -> Result<Arc<Place>, Failure> {
        if let Some(place) = self.known(service) {
            return Ok(place);
        }
        let _one = self.agreeing.lock().await;
        if let Some(place) = self.known(service) {
            return Ok(place);
        }
        let token = self.token(cx).await?;
        let address = catalog::address(&self.account, &token.body, service)?;
        let base = catalog::versioned(service, &address, token.project());
        let microversion = match service {
            Service::Compute => self.agree(cx, &base).await?,
            _ => None,
        };
        let place = Arc::new(Place { base, microversion });
        self.places.lock().unwrap_or_else(PoisonError::into_inner).insert(service, Arc::clone(&place));
        Ok(place)
    }

    fn known(&self, service: Service) -> Option<Arc<Place>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner).get(&service).cloned()
    }

    async fn agree(&self, cx: &Cx, base: &Url) -> Result<Option<catalog::Microversion>, Failure> {
        let mut at = base.clone();
        at.set_path(&format!("{}/", base.path().trim_end_matches('/')));
        let request = Request::new(Method::GET, at, "ask the compute service for its versions");
        let answer = self.http.send(cx, &request).await?;
        let chosen = self.account.services.get("compute").and_then(|choice| choice.microversion.as_deref());
        match answer.status.as_u16() {
            200 | 300 => catalog::microversion(&answer.json::<Versions>(&request)?, chosen, base),
            // Some clouds hide it: then what every Nova speaks is spoken.
            401 | 403 | 404 => Ok(None),
            _ => Err(answer.failure(&request)),
        }
    }

    /// Makes a call with a token. A token that is refused is renewed once; the call was not begun with it, so it is
    /// made again whatever it does.
    ///
    /// # Errors
    /// There is no token, no service, no answer. Any status is an answer.
    pub async fn call(&self, cx: &Cx, call: &Call) -> Result<Reply, Failure> {
        let mut renewed = false;
        loop {
            let token = cx.run(&call.tried, self.token(cx)).await?;
            let place = cx.run(&call.tried, self.place(cx, call.service)).await?;
            let request = self.request(call, &place, &token);
            let answer = self.http.send(cx, &request).await?;
            match answer.status.as_u16() {
                401 if !renewed => self.refused(&token).await,
                // The service was changed under us and speaks other versions now.
                406 if !renewed && place.microversion.is_some() => {
                    self.places.lock().unwrap_or_else(PoisonError::into_inner).remove(&call.service);
                }
                _ => return Ok(Reply { answer, request }),
            }
            renewed = true;
        }
    }

    fn request(&self, call: &Call, place: &Place, token: &Token) -> Request {
        let mut url = place.at(&call.path);
        if !call.query.is_empty() {
            url.set_query(Some(&call.query));
        }
        let mut request = Request::new(call.method.clone(), url, &call.tried)
            .secret_header("x-auth-token", &token.secret)
            .body(call.body.clone());
        if let Some(version) = place.microversion.filter(|_| call.service == Service::Compute) {
            let version = version.to_string();
            request = request.header("openstack-api-version", &format!("compute {version}"));
            request = request.header("x-openstack-nova-api-version", &version);
        }
        for (name, value) in &call.headers {
            request = request.header(name, value);
        }
        match call.repeat {
            Some(repeat) => request.repeat(repeat),
            None => request,
        }
    }

    /// What a call says.
    ///
    /// # Errors
    /// As [`Session::call`]; the status is bad, or the answer makes no sense.
    pub async fn ask<T: DeserializeOwned>(&self, cx: &Cx, call: &Call) -> Result<T, Failure> {
        self.call(cx, call).await?.json()
    }

    /// All rows of a list, page by page.
    ///
    /// # Errors
    /// As [`Session::ask`]; one page fails, all fail.
    pub async fn all<P: Page>(&self, cx: &Cx, call: &Call) -> Result<Vec<P::Row>, Failure> {
        let mut call = call.clone();
        let mut rows = Vec::new();
        for _ in 0..PAGES {
            let (more, next) = self.ask::<P>(cx, &call).await?.parts();
            let nothing = more.is_empty();
            rows.extend(more);
            // Only the marker counts: behind a proxy the link may name another host.
            let Some(query) = next.and_then(|next| Some(next.split_once('?')?.1.to_owned())) else { return Ok(rows) };
            if nothing || query == call.query {
                return Ok(rows);
            }
            call.query = query;
        }
        Err(Failure::broken(&call.tried, format!("there is no end after {PAGES} pages")).at(&self.account.auth_url))
    }
}

fn subject(answer: &Answer) -> Option<String> {
    answer.header("x-subject-token").map(str::to_owned)
}

/// By the computer's clock: for what outlives the process.
fn now_ms() -> i64 {
    use crate::base::Clock;
    crate::base::SystemClock.now().0
}
