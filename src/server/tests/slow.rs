//! Clients that say nothing, or too little, or do not listen.

use std::time::Instant;

use super::*;

/// The connection, younger than `begin`, is closed by time, not at once; returns what came before.
async fn closed_by_time(running: &Running, stream: &mut TcpStream, begin: Instant) -> String {
    let text = until_closed(stream).await;
    assert!(begin.elapsed() >= Duration::from_millis(200), "closed after {:?}", begin.elapsed());
    running.until("the time-out is counted", |_| running.count("timed_out") > 0).await;
    text
}

#[tokio::test]
async fn a_silent_connection_is_closed() {
    let running = start(impatient());
    let begin = now();
    let mut stream = running.connect().await;
    assert_eq!(closed_by_time(&running, &mut stream, begin).await, "");
}

#[tokio::test]
async fn half_a_request_line_and_half_a_head_are_closed() {
    for half in ["GET /?tele", "GET /?telephone=1 2", "GET / HTTP/1.1\r\nHost: x\r\n", "\r\n", "PROXY TCP4 "] {
        let running = start(impatient());
        let begin = now();
        let mut stream = running.connect().await;
        let _ = stream.write_all(half.as_bytes()).await;
        assert_eq!(closed_by_time(&running, &mut stream, begin).await, "", "{half:?}");
    }
}

#[tokio::test]
async fn a_client_that_sends_its_head_byte_by_byte_is_closed_all_the_same() {
    let running = start(impatient());
    let (mut reading, mut writing) = running.connect().await.into_split();
    let trickle = tokio::spawn(async move {
        for byte in b"GET /?telephone=0722111222 HTTP/1.1\r\nX: ".iter().chain(std::iter::repeat(&b'x')) {
            if writing.write_all(&[*byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
    });
    assert_eq!(until_closed(&mut reading).await, "");
    within("the writer notices", trickle).await.unwrap();
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_its_answer_and_not_before_the_next_request_in_time() {
    let limit = Duration::from_secs(2);
    let running = start(ListenSettings { idle_timeout: limit, ..patient() });
    let (mut stream, begin) = loop {
        if let Some(kept) = ask_with_pauses(&running, limit).await {
            break kept;
        }
    };
    assert_eq!(closed_by_time(&running, &mut stream, begin).await, "");
}

/// Asks three times on one connection, with pauses that are together longer than the limit, which counts from the last
/// answer; returns the connection and a moment before its last answer. `None` when the machine itself paused for so long
/// that the connection may have been closed rightly.
async fn ask_with_pauses(running: &Running, limit: Duration) -> Option<(TcpStream, Instant)> {
    let mut before = now();
    let mut stream = running.connect().await;
    for number in 0..3 {
        tokio::time::sleep(limit * 2 / 5).await;
        let sending = now();
        let sent = stream.write_all(format!("GET /?{number} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await;
        let answer = answer_or_end(&mut stream).await;
        if before.elapsed() >= limit {
            return None;
        }
        sent.unwrap();
        assert_eq!(body(&answer), format!("GET /?{number}"));
        before = sending;
    }
    Some((stream, before))
}

#[tokio::test]
async fn a_request_in_progress_is_not_cut_by_the_idle_limit() {
    let limit = Duration::from_secs(2);
    let running = start(ListenSettings { idle_timeout: limit, ..patient() });
    let mut stream = loop {
        let closed = running.count("timed_out");
        let mut stream = running.connect().await;
        // When the machine pauses here for longer than the limit, it is closed rightly, and the next one is tried.
        let _ = stream.write_all(b"GET /held HTTP/1.1\r\nHost: x\r\n\r\n").await;
        let taken = || running.held.waiting.load(Ordering::SeqCst) == 1;
        running.until("it is held or closed", |_| taken() || running.count("timed_out") > closed).await;
        if taken() {
            break stream;
        }
    };
    tokio::time::sleep(limit * 5 / 2).await;
    running.held.release.notify_waiters();
    assert_eq!(status(&answer(&mut stream).await), 200);
}

#[tokio::test]
async fn half_a_body_is_refused_after_a_time() {
    let running = start(ListenSettings { transfer_timeout: Duration::from_millis(300), ..patient() });
    let text = running.talk("POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc").await;
    assert_eq!(status(&text), 400, "{text}");
    let text = running.talk("POST /body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n").await;
    assert_eq!(status(&text), 400, "{text}");
}

#[tokio::test]
async fn a_client_that_does_not_read_its_answer_is_closed() {
    let running = start(ListenSettings { transfer_timeout: Duration::from_millis(300), ..patient() });
    let mut stream = running.connect().await;
    stream.write_all(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    running.until("it is taken", |_| running.count("accepted") == 1).await;
    running.until("it is closed", |_| running.count("open") == 0).await;
    assert!(until_closed(&mut stream).await.len() < 64 << 20);
}
