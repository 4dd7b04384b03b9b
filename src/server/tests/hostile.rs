//! Bytes that want to confuse or to break something.

use super::*;

#[tokio::test]
async fn length_and_chunks_together_do_not_smuggle_a_second_request() {
    let running = start(patient());
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
    let text = running
        .talk(format!(
            "POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{smuggled}",
            5 + smuggled.len()
        ))
        .await;
    assert!(!text.contains("/smuggled"), "{text}");
    let text = running.talk("POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab").await;
    assert_eq!(status(&text), 400, "{text}");
}

#[tokio::test]
async fn a_target_with_line_ends_or_control_bytes_is_refused() {
    let running = start(patient());
    for target in ["/a\tb c", "/a\0b", "/a\rGET /b", "/a\x7f", "/a\x0bb c"] {
        let text = running.talk(format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n")).await;
        assert_eq!(status(&text), 400, "{target:?} {text}");
    }
    running.until("they are counted", |_| running.count("bad_requests") == 5).await;
}

#[tokio::test]
async fn a_panic_ends_its_connection_and_nothing_else() {
    let running = start(patient());
    let mut other = running.connect().await;
    ask(&mut other, "/").await;
    assert_eq!(running.talk("GET /panic HTTP/1.1\r\nHost: x\r\n\r\n").await, "");
    running.until("the panic is counted", |_| running.count("panics") == 1).await;
    assert_eq!(status(&ask(&mut other, "/").await), 200);
    assert_eq!(running.get("/").await.0, 200);
}

#[tokio::test]
async fn three_hundred_connections_of_garbage_do_no_harm() {
    let running = start(patient());
    let pieces: [&[u8]; 12] = [
        b"GET /?a=",
        b" ",
        b"#\"<>",
        b" HTTP/1.1\r\n",
        b"\r\n",
        b"Content-Length: 3\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n",
        b"PROXY x\r\n",
        b"\0\xff\xfe",
        b"POST /body HTTP/1.1\r\n",
        b"ffffffffffffffff\r\n",
        b"\r\n\r\n\0\r\nQUIT\n",
    ];
    let mut seed = 12_345_usize;
    for _ in 0..300 {
        let mut bytes = Vec::new();
        for _ in 0..seed % 11 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            bytes.extend_from_slice(pieces[(seed >> 33) % pieces.len()]);
        }
        seed = seed.wrapping_add(1);
        let mut stream = running.connect().await;
        let _ = stream.write_all(&bytes).await;
        let _ = stream.shutdown().await;
        let text = until_closed(&mut stream).await;
        assert!(!text.contains("HTTP/1.1 5"), "{text}");
    }
    running.until("nothing stays open", |_| running.count("open") == 0).await;
    assert_eq!(running.count("panics"), 0);
    assert_eq!(running.get("/").await.0, 200);
}
