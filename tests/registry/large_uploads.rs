//! Uploads that are larger than anybody would hold, and such as end in the middle.

use crate::calls::{API, Nifi, done};
use crate::uploads::{BOUNDARY, form, form_type, part_head};
use headworks_core::Hasher;
use headworks_tests::archives::{manifest, nar};
use headworks_tests::server::{self, Folder, Setup};
use headworks_tests::{Client, Server};
use http::Method;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const MIB: usize = 1 << 20;
/// Bytes of the large entry.
const LARGE: usize = 300 * MIB;
/// What the server may have more in memory while it takes or gives that many.
const GROWTH: usize = 150 * MIB;

/// An archive of one large entry that is not packed, made piece by piece: head, entry, end.
struct Archive {
    head: Vec<u8>,
    end: Vec<u8>,
}

/// The bytes of the large entry from a place on.
fn piece(from: usize) -> Vec<u8> {
    let mut state = from as u64 + 1;
    let mut bytes = vec![0; MIB];
    for chunk in bytes.chunks_mut(8) {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        chunk.copy_from_slice(&state.to_be_bytes());
    }
    bytes
}

impl Archive {
    fn new(version: &str) -> Self {
        let small = headworks_tests::archives::zip(&[manifest("g", "large", version)]);
        let directory_at = u32::from_le_bytes(small[small.len() - 6..small.len() - 2].try_into().unwrap()) as usize;
        let mut crc = flate2::Crc::new();
        (0..LARGE).step_by(MIB).for_each(|from| crc.update(&piece(from)));
        let mut header = [20_u16, 0, 0, 0, 0x21].map(u16::to_le_bytes).concat();
        for number in [crc.sum(), LARGE as u32, LARGE as u32] {
            header.extend(number.to_le_bytes());
        }
        let name = b"lib/large.jar";
        let mut head = small[..directory_at].to_vec();
        head.extend(b"PK\x03\x04");
        head.extend(&header);
        head.extend([name.len() as u8, 0, 0, 0]);
        head.extend(name);
        let mut end = small[directory_at..small.len() - 22].to_vec();
        end.extend(b"PK\x01\x02\x14\0");
        end.extend(&header);
        end.extend([name.len() as u8, 0]);
        end.extend([0; 12]);
        end.extend((directory_at as u32).to_le_bytes());
        end.extend(name);
        let size = end.len() as u64;
        end.extend(headworks_tests::archives::end(2, size, (head.len() + LARGE) as u64, b""));
        Self { head, end }
    }

    fn len(&self) -> usize {
        self.head.len() + LARGE + self.end.len()
    }

    fn pieces(&self) -> impl Iterator<Item = Vec<u8>> + '_ {
        let entry = (0..LARGE).step_by(MIB).map(piece);
        std::iter::once(self.head.clone()).chain(entry).chain(std::iter::once(self.end.clone()))
    }

    fn digest(&self) -> String {
        let mut hasher = Hasher::default();
        self.pieces().for_each(|piece| hasher.update(&piece));
        hasher.finish().to_string()
    }
}

/// Begins an upload of this many bytes in the part `file` and sends the head of the request and of the part.
fn begin(server: &Server, bucket: &str, bytes: usize) -> TcpStream {
    let (before, after) = (part_head("file", Some("large.nar")), format!("\r\n--{BOUNDARY}--\r\n"));
    let length = before.len() + bytes + after.len();
    let mut stream = TcpStream::connect(server.address()).unwrap();
    let head = format!(
        "POST {API}/buckets/{bucket}/bundles/nifi-nar HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {}\r\nContent-Length: {length}\r\n\r\n",
        form_type()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(before.as_bytes()).unwrap();
    stream
}

fn resident(server: &Server) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid().unwrap())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<usize>().unwrap() << 10
}

fn stored_bytes(client: &Client) -> u64 {
    client.get("/platform/v1/tenant/usage").json()["stored_bytes"].as_u64().unwrap()
}

#[test]
fn memory_stays_flat_while_300_mb_come_and_go() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let bucket = nifi.bucket("b");
    nifi.uploaded(&bucket, "g", "small", "1");
    let archive = Archive::new("1");
    let (before, mut most) = (resident(&server), 0);
    let mut stream = begin(&server, &bucket, archive.len());
    for (number, piece) in archive.pieces().enumerate() {
        stream.write_all(&piece).unwrap();
        if number % 8 == 0 {
            most = most.max(resident(&server));
        }
    }
    stream.write_all(format!("\r\n--{BOUNDARY}--\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    most = most.max(resident(&server));
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let body: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(body["versionMetadata"]["contentSize"], archive.len());
    assert_eq!(body["versionMetadata"]["sha256"], archive.digest());
    assert!(stored_bytes(&server.client()) >= archive.len() as u64);

    let path = format!("{API}/extension-repository/b/g/large/1/content");
    let response = nifi.0.open(Method::GET, &path, &[], None).unwrap();
    let mut reader = response.into_body().into_with_config().limit(u64::MAX).reader();
    for (number, piece) in archive.pieces().enumerate() {
        let mut read = vec![0; piece.len()];
        reader.read_exact(&mut read).unwrap();
        assert!(read == piece, "piece {number}");
        if number % 8 == 0 {
            most = most.max(resident(&server));
        }
    }
    assert_eq!(reader.read(&mut [0]).unwrap(), 0);
    eprintln!("resident before {} MiB, at most {} MiB", before / MIB, most / MIB);
    assert!(most < before + GROWTH, "{} MiB before and {} MiB at most", before / MIB, most / MIB);
}

#[test]
fn an_upload_that_breaks_off_leaves_nothing() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let bucket = nifi.bucket("b");
    let client = server.client();
    let empty = stored_bytes(&client);
    let mut stream = begin(&server, &bucket, 40 * MIB);
    (0..20).for_each(|number| stream.write_all(&piece(number * MIB)).unwrap());
    let patience = Instant::now() + Duration::from_secs(60);
    while stored_bytes(&client) < empty + 10 * MIB as u64 {
        assert!(Instant::now() < patience, "nothing arrives");
        std::thread::sleep(Duration::from_millis(20));
    }
    drop(stream);
    while stored_bytes(&client) > empty {
        assert!(Instant::now() < patience, "what came is still there");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(done(&nifi.get("/items")), json!([]));
}

#[test]
fn an_upload_that_is_killed_leaves_nothing_and_a_finished_one_stays() {
    let folder = Folder::new();
    let mut server = Setup::new().start_on(&folder);
    let nifi = Nifi::of(&server);
    let bucket = nifi.bucket("b");
    let kept = nifi.uploaded(&bucket, "g", "small", "1");
    let before = stored_bytes(&server.client());
    let mut stream = begin(&server, &bucket, 40 * MIB);
    (0..30).for_each(|number| stream.write_all(&piece(number * MIB)).unwrap());
    let patience = Instant::now() + Duration::from_secs(60);
    while stored_bytes(&server.client()) < before + 20 * MIB as u64 {
        assert!(Instant::now() < patience, "nothing arrives");
        std::thread::sleep(Duration::from_millis(20));
    }
    server.kill();
    server.restart();
    let nifi = Nifi::of(&server);
    assert_eq!(done(&nifi.get("/items")), json!([kept["bundle"]]));
    assert_eq!(stored_bytes(&server.client()), before);
    assert_eq!(nifi.get("/extension-repository/b/g/small/1/content").status, 200);
    assert!(server.stop().success());
    let data = folder.data();
    let verified = server::run(&["verify", "--output", "json", "--data", data.to_str().unwrap()]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
    let report: Value = serde_json::from_slice(&verified.stdout).unwrap();
    let pieces = report["tables"].as_array().unwrap().iter().find(|table| table["table"] == "contents").unwrap();
    assert_eq!(pieces["entries"], 1, "{report}");
}

#[test]
fn an_upload_in_chunks_waits_for_leave_and_is_taken() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let bucket = nifi.bucket("b");
    let body = form(&[("file", &nar("g", "a", "1", &[]))]);
    let mut stream = TcpStream::connect(server.address()).unwrap();
    let head = format!(
        "POST {API}/buckets/{bucket}/bundles/nifi-nar HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {}\r\n\
         Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n",
        form_type()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut leave = [0; 25];
    stream.read_exact(&mut leave).unwrap();
    assert_eq!(&leave, b"HTTP/1.1 100 Continue\r\n\r\n");
    for chunk in body.chunks(100) {
        stream.write_all(format!("{:x}\r\n", chunk.len()).as_bytes()).unwrap();
        stream.write_all(&[chunk, b"\r\n"].concat()).unwrap();
    }
    stream.write_all(b"0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}
