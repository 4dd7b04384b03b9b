//! Idle connections give their buffers back, and nobody notices.

use super::*;

/// Asks once, and waits until the connection rests.
async fn rested(running: &Running, already: u64) -> TcpStream {
    loop {
        let closed = running.count("timed_out");
        let mut stream = running.connect().await;
        let asked = stream.write_all(b"GET /first HTTP/1.1\r\nHost: x\r\n\r\n").await;
        let answer = answer_or_end(&mut stream).await;
        let (rests, ended) = (|| running.count("rested") > already, || running.count("timed_out") > closed);
        running.until("rest", |_| rests() || ended()).await;
        // When the machine itself paused for longer than the limit, it was closed rightly, and the next one is tried.
        if rests() {
            asked.unwrap();
            assert_eq!(body(&answer), "GET /first");
            return stream;
        }
    }
}

#[tokio::test]
async fn a_connection_that_has_rested_answers_what_comes_then_in_any_pieces() {
    let running = start(patient());
    let mut stream = rested(&running, 0).await;
    let request = b"GET /a #b HTTP/1.1\r\nHost: x\r\n\r\nGET /second HTTP/1.1\r\nHost: x\r\n\r\n";
    for piece in request.chunks(7) {
        stream.write_all(piece).await.unwrap();
        stream.flush().await.unwrap();
        tokio::task::yield_now().await;
    }
    let mut both = answer(&mut stream).await;
    while both.matches("HTTP/1.1 200").count() < 2 {
        both.push_str(&answer(&mut stream).await);
    }
    assert!(both.contains("GET /a%20%23b") && both.contains("GET /second"), "{both}");
    // With a body the rest of the connection is not followed any more, so it does not rest again.
    stream.write_all(b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhel").await.unwrap();
    tokio::time::sleep(Duration::from_millis(1_300)).await;
    stream.write_all(b"lo").await.unwrap();
    assert_eq!(body(&answer(&mut stream).await), "hello");
}

#[tokio::test]
async fn half_a_head_keeps_a_connection_from_resting() {
    let running = start(patient());
    let mut stream = rested(&running, 0).await;
    for piece in ["GET /slow", "ly HTTP/1.1\r\nHo", "st: x\r\n\r", "\n"] {
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        stream.write_all(piece.as_bytes()).await.unwrap();
    }
    assert_eq!(body(&answer(&mut stream).await), "GET /slowly");
}

#[tokio::test]
async fn a_resting_connection_ends_by_its_time_for_room_with_the_client_and_with_the_process() {
    let running = start(ListenSettings { idle_timeout: Duration::from_secs(2), ..patient() });
    let mut timed_out = rested(&running, 0).await;
    assert_eq!(until_closed(&mut timed_out).await, "");
    running.until("the time-out is counted", |_| running.count("timed_out") > 0).await;

    let running = start(ListenSettings { max_connections: 1, ..patient() });
    let mut pushed_out = rested(&running, 0).await;
    assert_eq!(running.get("/").await.0, 200);
    assert_eq!(until_closed(&mut pushed_out).await, "");
    let gone = rested(&running, 1).await;
    drop(gone);
    running.until("the end", |_| running.count("open") == 0).await;

    let mut drained = rested(&running, 2).await;
    running.stop.send(()).unwrap();
    assert_eq!(until_closed(&mut drained).await, "");
    within("the end", running.ended).await.unwrap();
}
