use super::*;
use parking_lot::Mutex;
use std::time::Duration;

/// Answers with what it got.
#[derive(Default)]
struct Echo {
    sent: Mutex<Vec<HttpRequest>>,
    reach: Reach,
}

impl Outbound for Echo {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, HttpResult> {
        let mut body = Vec::new();
        for (name, value) in &request.headers {
            body.extend_from_slice(name.as_bytes());
            body.extend_from_slice(b"=");
            body.extend_from_slice(value);
            body.extend_from_slice(b";");
        }
        let headers = request.headers.clone();
        self.sent.lock().push(request);
        async { Ok(HttpAnswer { status: 200, headers, body }) }.boxed()
    }

    fn reach(&self) -> Reach {
        self.reach
    }
}

const MANIFEST: &str = r#"
name = "x"
hosts = ["api.example.com", "*.example.org", "127.0.0.1:9000", "[2001:db8::1]"]
[[secrets]]
name = "api_key"
inject = { host = "api.example.com", header = "authorization", format = "Bearer {}" }
[[secrets]]
name = "salt"
"#;

fn manifest() -> Manifest {
    Manifest::parse("handler.toml", MANIFEST).unwrap()
}

fn granted(hosts: &[&str]) -> Vec<HostPattern> {
    hosts.iter().map(|host| host.parse().unwrap()).collect()
}

fn secrets() -> BTreeMap<String, String> {
    [("api_key", "sk-12345"), ("salt", "grain")].map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

fn request(url: &str) -> HttpRequest {
    HttpRequest {
        method: "GET".into(),
        url: url.into(),
        headers: vec![("authorization".into(), b"Bearer mine".to_vec())],
        body: Vec::new(),
        timeout: Duration::from_secs(2),
    }
}

async fn send(echo: &Echo, granted: &[HostPattern], url: &str) -> HttpResult {
    let (manifest, secrets) = (manifest(), secrets());
    Permit { manifest: Some(&manifest), granted, secrets: &secrets }.send(echo, request(url)).await
}

async fn why(granted: &[HostPattern], url: &str) -> String {
    let echo = Echo::default();
    let failure = send(&echo, granted, url).await.expect_err(url);
    assert!(matches!(failure, HttpFailure::Denied(_)), "{url}: {failure:?}");
    assert!(echo.sent.lock().is_empty(), "{url}");
    failure.to_string()
}

#[tokio::test]
async fn only_what_is_declared_and_granted_is_called() {
    let all = granted(&["api.example.com", "www.example.org", "other.example.net", "[2001:db8::1]"]);
    let echo = Echo::default();
    for url in ["https://api.example.com/v1", "https://API.example.com:443/", "https://www.example.org/"] {
        assert!(send(&echo, &all, url).await.is_ok(), "{url}");
    }
    assert_eq!(
        why(&all, "https://other.example.net/").await,
        "the handler doesn't declare the host other.example.net: add it to `hosts` in handler.toml"
    );
    assert_eq!(
        why(&all, "https://a.example.org/").await,
        "the operator hasn't granted the host a.example.org to this tenant: ask for it"
    );
    assert!(why(&all, "https://api.example.com:8443/").await.contains("api.example.com:8443"));
    assert!(why(&[], "https://api.example.com/").await.contains("hasn't granted"));
    assert!(why(&all, "https://api.example.com.evil.net/").await.contains("doesn't declare"));
}

#[tokio::test]
async fn without_a_manifest_nothing_is_called() {
    let (all, secrets) = (granted(&["api.example.com"]), secrets());
    let permit = Permit { manifest: None, granted: &all, secrets: &secrets };
    let failure = permit.send(&Echo::default(), request("https://api.example.com/")).await.unwrap_err();
    assert!(failure.to_string().contains("doesn't declare"));
}

#[tokio::test]
async fn plain_http_users_and_private_addresses_are_refused_before_anybody_is_asked() {
    let all = granted(&["api.example.com", "127.0.0.1:9000", "[2001:db8::1]"]);
    for (url, words) in [
        ("http://api.example.com/", "plain HTTP"),
        ("https://me:pw@api.example.com/", "user or password"),
        ("https://127.0.0.1:9000/", "not public"),
        ("https://[2001:db8::1]/", "not public"),
        ("https://[::ffff:127.0.0.1]/", "not public"),
        ("https://[64:ff9b::7f00:1]/", "not public"),
        ("https://169.254.169.254/latest/", "not public"),
        ("https:///x", "not a URL"),
    ] {
        let why = why(&all, url).await;
        assert!(why.contains(words), "{url}: {why}");
    }
    let open = Echo { reach: Reach { allow_private: true, allow_http: true }, ..Echo::default() };
    assert!(send(&open, &all, "http://127.0.0.1:9000/").await.is_ok());
}

#[tokio::test]
async fn a_secret_goes_into_its_header_at_its_host_and_comes_back_masked() {
    let all = granted(&["api.example.com", "*.example.org"]);
    let echo = Echo::default();
    let answer = send(&echo, &all, "https://api.example.com/").await.unwrap();
    assert_eq!(echo.sent.lock()[0].headers, [("authorization".to_owned(), b"Bearer sk-12345".to_vec())]);
    assert_eq!(answer.body, b"authorization=Bearer [secret];");
    assert_eq!(answer.headers[0].1, b"Bearer [secret]");
    let answer = send(&echo, &all, "https://www.example.org/").await.unwrap();
    assert_eq!(answer.body, b"authorization=Bearer mine;");
}

#[test]
fn a_masked_answer_is_no_longer_than_it_was() {
    let mut answer = HttpAnswer { status: 200, headers: Vec::new(), body: b"abc abcd abc".to_vec() };
    mask(&mut answer, &["abc"]);
    assert_eq!(answer.body, b"[se [sed [se");
}

#[tokio::test]
async fn a_secret_that_is_put_in_is_not_held_and_one_that_is_missing_is_told() {
    let (manifest, secrets): (_, Names) = (manifest(), Arc::new(secrets()));
    assert_eq!(held(Some(&manifest), &secrets).keys().collect::<Vec<_>>(), ["salt"]);
    assert!(held(None, &secrets).is_empty(), "without a manifest nothing is held");
    let (none, all) = (BTreeMap::new(), granted(&["api.example.com"]));
    let permit = Permit { manifest: Some(&manifest), granted: &all, secrets: &none };
    let failure = permit.send(&Echo::default(), request("https://api.example.com/")).await.unwrap_err();
    assert_eq!(failure.to_string(), "the secret `api_key` isn't set: the tenant has to give it");
}
