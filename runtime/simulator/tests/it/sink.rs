//! The webhook sink.

use crate::PATIENCE;
use crate::http::{get, post, request};
use signalbox_simulator::{Answer, Answers, Config, Handle, Per, Simulator};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

async fn sink(counts_only: bool) -> (Handle, SocketAddr) {
    let free_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let mut config = Config { sink: Some(free_port), sink_counts_only: counts_only, ..Config::default() };
    config.limits.hook_body_bytes = 10;
    let simulator = Simulator::start(config).await.unwrap();
    let addr = simulator.sink_addr().unwrap();
    (simulator, addr)
}

#[tokio::test]
async fn webhooks_are_kept_with_headers_and_raw_body() {
    let (simulator, addr) = sink(false).await;
    let answer = request(addr, "POST", "/here?a=1", "Webhook-Id: msg_1\r\n", "{ \"x\" :1}").await;
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    let page = get(addr, "/hooks").await;
    let hook = &page["hooks"][0];
    assert_eq!((&hook["path"], &hook["body"]), (&"/here?a=1".into(), &"eyAieCIgOjF9".into()));
    let headers = hook["headers"].as_array().unwrap();
    assert!(headers.contains(&serde_json::json!(["webhook-id", "msg_1"])), "{headers:?}");
    post(addr, "/", "longer than ten").await;
    let page = get(addr, "/hooks?after=1").await;
    assert_eq!((&page["hooks"][0]["cut"], &page["hooks"][0]["body"]), (&true.into(), &"bG9uZ2VyIHRoYQ==".into()));
    assert_eq!(simulator.hooks(0, 10).count, 2);
}

#[tokio::test]
async fn waits_end_when_enough_webhooks_came() {
    let (simulator, addr) = sink(false).await;
    let waiting = tokio::spawn(async move { get(addr, "/hooks/wait?count=2&timeout_ms=10000").await });
    post(addr, "/", "a").await;
    post(addr, "/", "b").await;
    assert_eq!(waiting.await.unwrap(), serde_json::json!({ "met": true, "count": 2 }));
    assert!(!simulator.wait_hooks(3, Duration::from_millis(1)).await.met);
    assert!(simulator.wait_hooks(2, PATIENCE).await.met);
}

#[tokio::test]
async fn answers_are_those_it_was_told() {
    let (simulator, addr) = sink(false).await;
    let script = r#"{"sequence":[500,{"status":302,"location":"http://127.0.0.1:1/x"},{"body_bytes":100000},
        {"hang_up":true},{"status":503,"retry_after":7}],"otherwise":204}"#;
    assert_eq!(request(addr, "PUT", "/answers", "", script).await.status, 200);
    assert_eq!(post(addr, "/", "1").await.status, 500);
    let redirect = post(addr, "/", "2").await;
    assert!(redirect.status == 302 && redirect.head.contains("location: http://127.0.0.1:1/x"));
    assert_eq!(post(addr, "/", "3").await.body.len(), 100_000);
    assert_eq!(post(addr, "/", "4").await.status, 0, "hung up");
    assert!(post(addr, "/", "5").await.head.contains("retry-after: 7"));
    assert_eq!(post(addr, "/", "6").await.status, 204);
    let answered: Vec<_> = simulator.hooks(0, 10).hooks.iter().map(|hook| hook.answered).collect();
    assert_eq!(answered, [500, 302, 200, 0, 503, 204]);
    assert_eq!(request(addr, "PUT", "/answers", "", r#"{"sequence":["no"]}"#).await.status, 422);
}

#[tokio::test]
async fn each_webhook_has_its_own_attempts() {
    let (simulator, addr) = sink(false).await;
    let answers = Answers { sequence: vec![Answer::of(500)], per: Per::WebhookId, ..Answers::default() };
    simulator.set_answers(answers);
    let mut statuses = Vec::new();
    for id in ["a", "b", "a", "b"] {
        statuses.push(request(addr, "POST", "/", &format!("webhook-id: {id}\r\n"), "").await.status);
    }
    assert_eq!(statuses, [500, 500, 200, 200]);
}

#[tokio::test]
async fn a_counting_sink_keeps_nothing() {
    let (simulator, addr) = sink(true).await;
    post(addr, "/", "a").await;
    let page = simulator.hooks(0, 10);
    assert_eq!((page.count, page.hooks.len()), (1, 0));
}
