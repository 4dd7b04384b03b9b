//! Many connections, too many connections, and the end of the process.

use super::*;

/// How many connections this machine lets a test have, at most 2,000: each costs two files, as both ends are here.
fn many() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let files = limits.lines().find(|line| line.starts_with("Max open files"));
    let most: usize = files.and_then(|line| line.split_whitespace().nth(3)?.parse().ok()).unwrap_or(1_024);
    (most.saturating_sub(400) / 2).min(2_000)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_are_answered_beside_thousands_of_idle_connections() {
    let running = start(patient());
    let mut idle = Vec::new();
    for number in 0..many() {
        let mut stream = running.connect().await;
        if number % 2 == 0 {
            ask(&mut stream, "/").await;
        }
        idle.push(stream);
    }
    running.until("all are open", |_| running.count("open") == idle.len() as u64).await;
    for _ in 0..50 {
        assert_eq!(running.get("/").await.0, 200);
    }
    for stream in idle.iter_mut().step_by(10) {
        assert_eq!(status(&ask(stream, "/").await), 200, "an idle connection still works");
    }
    assert_eq!(running.count("turned_away") + running.count("made_room"), 0);
}

#[tokio::test]
async fn at_the_limit_the_longest_idle_connection_makes_room() {
    let running = start(ListenSettings { max_connections: 3, ..patient() });
    let mut inside = Vec::new();
    for _ in 0..3 {
        let mut stream = running.connect().await;
        ask(&mut stream, "/").await;
        inside.push(stream);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // The first has been used again, so the second has been idle longest.
    ask(&mut inside[0], "/").await;
    let mut newest = running.connect().await;
    assert_eq!(status(&ask(&mut newest, "/").await), 200);
    assert_eq!(until_closed(&mut inside[1]).await, "");
    assert_eq!(running.count("made_room"), 1);
    for stream in [0, 2] {
        assert_eq!(status(&ask(&mut inside[stream], "/").await), 200);
    }
}

#[tokio::test]
async fn when_every_connection_is_busy_the_newest_is_turned_away_and_later_ones_are_not() {
    let running = start(ListenSettings { max_connections: 2, ..patient() });
    let mut busy = Vec::new();
    for number in 1..=2 {
        let mut stream = running.connect().await;
        stream.write_all(b"GET /held HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        running.until("it is held", |_| running.held.waiting.load(Ordering::SeqCst) == number).await;
        busy.push(stream);
    }
    assert_eq!(running.talk("").await, "");
    assert_eq!((running.count("turned_away"), running.count("made_room")), (1, 0));
    running.held.release.notify_waiters();
    for stream in &mut busy {
        assert_eq!(status(&answer(stream).await), 200);
    }
    assert_eq!(running.get("/").await.0, 200);
}

#[tokio::test]
async fn a_lower_limit_counts_from_the_next_connection_on() {
    let running = start(patient());
    let mut first = running.connect().await;
    ask(&mut first, "/").await;
    running.settings.store(Arc::new(ListenSettings { max_connections: 1, ..patient() }));
    assert_eq!(running.get("/").await.0, 200);
    assert_eq!(until_closed(&mut first).await, "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_the_end_every_request_that_was_sent_is_answered_and_idle_connections_close() {
    let running = start(patient());
    let mut idle = Vec::new();
    for _ in 0..20 {
        let mut stream = running.connect().await;
        ask(&mut stream, "/").await;
        idle.push(stream);
    }
    let mut silent = running.connect().await;
    let mut asking = Vec::new();
    for number in 0..100 {
        let mut stream = running.connect().await;
        if number % 3 == 0 {
            ask(&mut stream, "/").await;
        }
        stream.write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        asking.push(stream);
    }
    running.stop.send(()).unwrap();
    for stream in &mut asking {
        let text = until_closed(stream).await;
        assert_eq!(status(&text), 200, "{text}");
    }
    for stream in idle.iter_mut().chain([&mut silent]) {
        assert_eq!(until_closed(stream).await, "");
    }
    within("the listener ends", running.ended).await.unwrap();
    assert!(TcpStream::connect(running.address).await.is_err(), "new connections are refused");
}

#[tokio::test]
async fn half_a_request_does_not_hold_up_the_end() {
    let running = start(patient());
    let mut half = running.connect().await;
    ask(&mut half, "/").await;
    half.write_all(b"GET / HTTP/1.1\r\nHos").await.unwrap();
    running.stop.send(()).unwrap();
    within("the listener ends", running.ended).await.unwrap();
    assert_eq!(until_closed(&mut half).await, "");
}
