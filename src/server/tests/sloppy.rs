//! HTTP as PBXs really speak it.

use super::*;

#[tokio::test]
async fn raw_bytes_of_the_query_reach_the_handler() {
    let running = start(patient());
    let sent =
        b"GET /s/lookup?telephone=*31#0721 111&n=\"<\xe9>&dnid=2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let text = running.talk(sent).await;
    assert_eq!(body(&text), "GET /s/lookup?telephone=*31%230721%20111&n=%22%3C%E9%3E&dnid=2");
}

#[tokio::test]
async fn http_1_0_is_answered_and_closed_or_kept_as_asked() {
    let running = start(patient());
    let text = running.talk("GET /?a=1 2 HTTP/1.0\r\n\r\n").await;
    assert_eq!((status(&text), body(&text)), (200, "GET /?a=1%202"));
    assert!(text.starts_with("HTTP/1.0"), "{text}");
    let mut stream = running.connect().await;
    for _ in 0..2 {
        stream.write_all(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").await.unwrap();
        let text = answer(&mut stream).await;
        assert_eq!(header(&text, "connection"), Some("keep-alive"), "{text}");
    }
}

#[tokio::test]
async fn requests_sent_at_once_are_answered_in_order() {
    let running = start(patient());
    let mut all = String::new();
    for number in 0..3 {
        all.push_str(&format!("GET /?n={number} # HTTP/1.1\r\nHost: x\r\n\r\n"));
    }
    all.push_str("POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n# \r\n\r\n# \"");
    all.push_str("GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let text = running.talk(all).await;
    let found: Vec<_> = ["GET /?n=0%20%23", "GET /?n=1%20%23", "GET /?n=2%20%23", "# \r\n\r\n# \"", "GET /last"]
        .map(|part| text.find(part))
        .into();
    assert!(found.iter().all(Option::is_some) && found.is_sorted(), "{found:?} {text}");
}

#[tokio::test]
async fn a_client_that_closes_its_half_gets_its_answer() {
    let running = start(patient());
    let mut stream = running.connect().await;
    stream.write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(status(&until_closed(&mut stream).await), 200);
    let mut stream = running.connect().await;
    stream.write_all(b"GET /half").await.unwrap();
    stream.shutdown().await.unwrap();
    until_closed(&mut stream).await;
    running.until("nothing stays open", |_| running.count("open") == 0).await;
}

#[tokio::test]
async fn a_query_over_16_kib_reaches_the_handler_and_a_wilder_head_gets_431() {
    let running = start(patient());
    let (code, text) = running.get(&format!("/?a={}", "x".repeat(20_000))).await;
    assert_eq!((code, text.len()), (200, 20_000 + "GET /?a=".len()));
    for target in [format!("/?a={}", "x".repeat(60_000)), format!("/?a={}", " ".repeat(60_000))] {
        let (code, text) = running.get(&target).await;
        // The server may close before everything was sent, and the answer is lost with the reset.
        assert!(matches!(code, 0 | 400 | 414 | 431), "{code} {text}");
    }
    let many = |count: usize| {
        let lines: String = (0..count).map(|number| format!("X-{number}: 1\r\n")).collect();
        format!("GET / HTTP/1.0\r\n{lines}\r\n")
    };
    assert_eq!(status(&running.talk(many(100)).await), 200);
    assert_eq!(status(&running.talk(many(101)).await), 431);
    assert_eq!(running.get("/").await.0, 200);
}

#[tokio::test]
async fn a_handler_learns_who_asks_and_that_a_proxy_line_came_before() {
    let running = start(patient());
    let mut stream = running.connect().await;
    let port = stream.local_addr().unwrap().port();
    assert_eq!(body(&ask(&mut stream, "/who").await), format!("127.0.0.1 {port}"));
    let request = "GET /who HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
    let two = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c\x0a\x00\x00\x01\x0a\x00\x00\x02\x00\x01\x00\x02";
    for (line, header, expected) in [
        (&b""[..], "", 200),
        (b"", "X-Forwarded-For: 10.0.0.1\r\n", 403),
        (b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n", "", 403),
        (two, "", 403),
    ] {
        let text = running.talk([line, request.as_bytes(), header.as_bytes(), b"\r\n"].concat()).await;
        assert_eq!(status(&text), expected, "{header} {text}");
    }
}
