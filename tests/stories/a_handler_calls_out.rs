//! A handler asks a server of its tenant's: declared by the handler, granted by the operator, with a secret that the handler
//! never holds. Without the grant nothing leaves, and its tenant reads why.

use http::Method;
use serde_json::{Value, json};
use signalbox_tests::{Carrier, House, HouseConfig, NUMBER, Tenant, place};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const PHONE: &str = "+14155550301";
const SECRET: &str = "sk-of-the-story-0123456789";
const ANSWER: &str = "Yes, we fix flat tyres while you wait.";
const FALLBACK: &str = "Thanks for your message. A colleague will answer you here as soon as possible.";

/// A server with a language model behind it, as far as a client can see.
struct Model {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Model {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, heard) = (listener.local_addr().unwrap(), Arc::<Mutex<Vec<String>>>::default());
        let of_task = heard.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = Vec::new();
                while !is_whole(&request) {
                    let mut part = [0; 4_096];
                    let read = stream.read(&mut part).await.unwrap();
                    assert!(read > 0, "a request was cut off");
                    request.extend_from_slice(&part[..read]);
                }
                of_task.lock().unwrap().push(String::from_utf8(request).unwrap());
                let content = json!({ "reply": ANSWER, "person": false }).to_string();
                let body = json!({ "choices": [{ "message": { "content": content } }] }).to_string();
                let length = body.len();
                let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close";
                let answer = format!("{head}\r\ncontent-length: {length}\r\n\r\n{body}");
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        Self { address, heard }
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }

    /// What the example's manifest says, with this server in the place of its own.
    fn manifest(&self) -> String {
        let manifest = include_str!("../../guest-examples/js/llm-assistant/handler.toml");
        let endpoint = format!("http://{}/v1/chat/completions", self.address);
        let manifest = manifest.replace("https://llm.example.com/v1/chat/completions", &endpoint);
        manifest.replace("llm.example.com", &self.address.to_string())
    }
}

/// Head, body, and as many bytes of that as the head says.
fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    body.len() >= length.unwrap_or(0)
}

/// Uploads the assistant; answers what its tenant is warned of.
async fn upload(acme: &Tenant, model: &Model) -> Vec<String> {
    let component = place::guest("llm-assistant");
    let uploaded = acme.upload_version("assistant", "?alias=live", &component, Some(&model.manifest())).await;
    assert!(uploaded.status.is_success(), "{}", uploaded.text());
    warnings(&uploaded.json())
}

fn warnings(version: &Value) -> Vec<String> {
    let warnings = version["warnings"].as_array().expect("a list").iter();
    warnings.map(|warning| warning.as_str().expect("words").to_owned()).collect()
}

async fn logs(acme: &Tenant) -> String {
    let logs = acme.api.get("/v1/handlers/assistant/logs").await.expect(200);
    let lines = logs["lines"].as_array().unwrap().iter();
    lines.map(|line| format!("{}\n", line["text"].as_str().unwrap())).collect()
}

fn config(carrier: &Carrier, granted: SocketAddr) -> HouseConfig {
    let config = HouseConfig::new(carrier).section("outbound", "allow_private = true\nallow_http = true");
    config.tenant_key(&format!("hosts = [\"{granted}\"]"))
}

#[tokio::test]
async fn a_text_becomes_a_call_with_a_secret_and_its_answer_a_reply() {
    let (carrier, model) = (Carrier::start().await, Model::start().await);
    let house = House::bound_to(&carrier, config(&carrier, model.address)).await;
    let acme = house.acme();
    let warned = upload(&acme, &model).await;
    assert!(warned.iter().any(|warning| warning.contains("the secret `llm-key` is missing")), "{warned:?}");
    acme.bind("assistant").await;

    // Before the secret is there, nothing leaves.
    carrier.phone_sends(PHONE, NUMBER, "Do you fix flat tyres?").await;
    assert_eq!(carrier.await_texts_at(PHONE, 1).await, [FALLBACK]);
    assert!(logs(&acme).await.contains("the secret `llm-key` isn't set"), "{}", logs(&acme).await);
    assert!(model.heard().is_empty());

    let secret = json!({ "value": SECRET }).to_string();
    let put = acme.api.with("content-type", "application/json");
    let put = put.ask(Method::PUT, "/v1/handlers/assistant/secrets/llm-key", secret).await;
    assert!(put.status.is_success(), "{}", put.text());
    carrier.phone_sends(PHONE, NUMBER, "Do you fix flat tyres?").await;
    assert_eq!(carrier.await_texts_at(PHONE, 2).await[1], ANSWER);
    let heard = model.heard();
    assert_eq!(heard.len(), 1, "one event, one call");
    let head = heard[0].to_lowercase();
    assert!(head.contains(&format!("authorization: bearer {SECRET}")), "{head}");
    assert!(head.contains("idempotency-key: "), "{head}");
    assert!(heard[0].contains("Do you fix flat tyres?"));
    assert!(!logs(&acme).await.contains(SECRET) && !house.log().contains(SECRET), "the secret is in a log");
}

#[tokio::test]
async fn a_host_that_the_operator_has_not_granted_is_not_called_and_the_tenant_reads_why() {
    let (carrier, model, granted) = (Carrier::start().await, Model::start().await, Model::start().await);
    let house = House::bound_to(&carrier, config(&carrier, granted.address)).await;
    let acme = house.acme();
    let why = format!("the operator hasn't granted the host {} to this tenant", model.address);
    let warned = upload(&acme, &model).await;
    assert!(warned.iter().any(|warning| warning.contains(&why)), "{warned:?}");
    acme.bind("assistant").await;
    carrier.phone_sends(PHONE, NUMBER, "Do you fix flat tyres?").await;
    assert_eq!(carrier.await_texts_at(PHONE, 1).await, [FALLBACK]);
    assert!(logs(&acme).await.contains(&why), "{}", logs(&acme).await);
    assert!(model.heard().is_empty() && granted.heard().is_empty());
}
