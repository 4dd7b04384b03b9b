//! A proxy of bytes between calldex and a real server: it passes them on, or does to the answers what a network can do.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;

/// What becomes of the answers. Numbers of bytes count from the moment at which the weather began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weather {
    /// They are passed on.
    Clear,
    /// They are passed on, each piece a moment later.
    Late,
    /// They are passed on, every byte in a packet of its own.
    Crumbs,
    /// One byte a second is passed on, which no deadline waits for.
    Drip,
    /// Nothing is passed on.
    Hang,
    /// The connection ends after so many bytes.
    Cut(usize),
    /// The same, and the end is a reset.
    Reset(usize),
    /// As many bytes come, and other ones: of a web page, or by chance from a seed other than 0.
    Garbage(u64),
}

/// The proxy; its connections end with it.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    sky: Arc<Sky>,
    runtime: Option<Runtime>,
}

/// What all connections look at.
struct Sky {
    /// The server, and the weather with its number.
    now: Mutex<(u16, Weather, usize)>,
    open: AtomicUsize,
    end: Notify,
}

impl Proxy {
    /// Stands before a port of this machine.
    pub(crate) fn before(server: u16) -> Self {
        Self::at("127.0.0.1", server)
    }

    /// The same under another address of this machine, such as 127.0.0.2.
    pub(crate) fn at(host: &str, server: u16) -> Self {
        let listener = std::net::TcpListener::bind((host, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let sky = Arc::new(Sky {
            now: Mutex::new((server, Weather::Clear, 0)),
            open: AtomicUsize::new(0),
            end: Notify::new(),
        });
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let seen = Arc::clone(&sky);
        runtime.spawn(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, Arc::clone(&seen)));
            }
        });
        Self { address, sky, runtime: Some(runtime) }
    }

    pub(crate) fn set(&self, weather: Weather) {
        let mut now = self.sky.now.lock().unwrap();
        *now = (now.0, weather, now.2 + 1);
    }

    /// New connections go to another port from now on, and those that are there end.
    pub(crate) fn lead_to(&self, server: u16) {
        self.sky.now.lock().unwrap().0 = server;
        self.end_all();
    }

    /// All connections that are there end.
    pub(crate) fn end_all(&self) {
        self.sky.end.notify_waiters();
    }

    /// How many connections there are.
    pub(crate) fn open(&self) -> usize {
        self.sky.open.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// One connection, until either side ends it.
async fn carry(client: TcpStream, sky: Arc<Sky>) {
    sky.open.fetch_add(1, Ordering::SeqCst);
    // Whoever ends it, and how, is what the tests are about.
    let _ = carry_bytes(client, &sky).await;
    sky.open.fetch_sub(1, Ordering::SeqCst);
}

async fn carry_bytes(client: TcpStream, sky: &Sky) -> io::Result<()> {
    let port = sky.now.lock().unwrap().0;
    let server = TcpStream::connect(("127.0.0.1", port)).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut questions, to_client) = client.into_split();
    let (answers, mut to_server) = server.into_split();
    tokio::select! {
        ended = tokio::io::copy(&mut questions, &mut to_server) => ended.map(|_| ()),
        ended = carry_answers(answers, to_client, sky) => ended,
        () = sky.end.notified() => Ok(()),
    }
}

async fn carry_answers(mut answers: OwnedReadHalf, mut client: OwnedWriteHalf, sky: &Sky) -> io::Result<()> {
    let (mut passed, mut since) = (0, 0);
    let mut piece = [0; 4096];
    loop {
        let count = answers.read(&mut piece).await?;
        if count == 0 {
            return Ok(());
        }
        let (_, weather, number) = *sky.now.lock().unwrap();
        if number != since {
            (passed, since) = (0, number);
        }
        let piece = &piece[..count];
        match weather {
            Weather::Clear => client.write_all(piece).await?,
            Weather::Late => {
                tokio::time::sleep(Duration::from_millis(20)).await;
                client.write_all(piece).await?;
            }
            Weather::Crumbs => byte_by_byte(piece, &mut client, Duration::ZERO).await?,
            Weather::Drip => byte_by_byte(piece, &mut client, Duration::from_secs(1)).await?,
            Weather::Hang => std::future::pending().await,
            Weather::Cut(after) | Weather::Reset(after) => {
                let left = after.saturating_sub(passed);
                client.write_all(&piece[..left.min(count)]).await?;
                if left < count {
                    if matches!(weather, Weather::Reset(_)) {
                        client.as_ref().set_zero_linger()?;
                    }
                    return Ok(());
                }
            }
            Weather::Garbage(seed) => client.write_all(&garbage(seed, count)).await?,
        }
        passed += count;
    }
}

async fn byte_by_byte(piece: &[u8], client: &mut OwnedWriteHalf, pause: Duration) -> io::Result<()> {
    for byte in piece {
        client.write_all(&[*byte]).await?;
        tokio::time::sleep(pause).await;
    }
    Ok(())
}

fn garbage(seed: u64, count: usize) -> Vec<u8> {
    if seed == 0 {
        return b"HTTP/1.1 400 Bad Request\r\n\r\n<html>Ana</html>".iter().copied().cycle().take(count).collect();
    }
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    })
    .take(count)
    .collect()
}
