//! Archives as tests need them: like those that a build makes, and such as nobody should accept.
//!
//! Written byte by byte, so that every field can lie.

use flate2::Crc;
use flate2::write::DeflateEncoder;
use std::io::Write;

/// Where a NAR says which version of which bundle it is.
pub const MANIFEST: &str = "META-INF/MANIFEST.MF";
/// Where it describes its extensions.
pub const DESCRIPTOR: &str = "META-INF/docs/extension-manifest.xml";

/// One entry. What is `None` is as it should be.
#[derive(Clone, Debug, Default)]
pub struct Entry {
    /// Its name, which also stands before its bytes unless `local_name` is set.
    pub name: Vec<u8>,
    /// Its bytes.
    pub data: Vec<u8>,
    /// Whether the bytes are packed.
    pub packed: bool,
    /// The name before its bytes.
    pub local_name: Option<Vec<u8>>,
    /// How many bytes it says it has.
    pub says_size: Option<u32>,
    /// How many packed bytes it says it has.
    pub says_packed: Option<u32>,
    /// Its checksum.
    pub says_crc: Option<u32>,
    /// How it says it is packed.
    pub says_method: Option<u16>,
    /// Flags.
    pub flags: u16,
    /// Where it says it is.
    pub says_offset: Option<u32>,
    /// Whether the directory does not name it.
    pub hidden: bool,
}

/// An entry with packed bytes.
pub fn entry(name: &str, data: impl AsRef<[u8]>) -> Entry {
    Entry { name: name.into(), data: data.as_ref().to_vec(), packed: true, ..Entry::default() }
}

/// An entry with its bytes as they are.
pub fn stored(name: &str, data: impl AsRef<[u8]>) -> Entry {
    Entry { packed: false, ..entry(name, data) }
}

/// A ZIP file with these entries.
pub fn zip(entries: &[Entry]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut directory = Vec::new();
    for entry in entries {
        let offset = entry.says_offset.unwrap_or(file.len() as u32);
        let (header, body) = parts(entry);
        let local = entry.local_name.as_ref().unwrap_or(&entry.name);
        file.extend(b"PK\x03\x04");
        file.extend(&header);
        file.extend((local.len() as u16).to_le_bytes());
        file.extend(0_u16.to_le_bytes());
        file.extend(local);
        file.extend(body);
        if !entry.hidden {
            directory.extend(b"PK\x01\x02\x14\0");
            directory.extend(&header);
            directory.extend((entry.name.len() as u16).to_le_bytes());
            directory.extend([0; 12]);
            directory.extend(offset.to_le_bytes());
            directory.extend(&entry.name);
        }
    }
    let (start, size) = (file.len() as u64, directory.len() as u64);
    let count = entries.iter().filter(|entry| !entry.hidden).count() as u64;
    file.extend(directory);
    if count > 65_535 {
        let ends = large_end(file.len() as u64, count, size, start);
        file.extend(ends);
    }
    file.extend(end(count, size, start, b""));
    file
}

/// What stands both before the bytes of an entry and in the directory, and the bytes.
fn parts(entry: &Entry) -> (Vec<u8>, Vec<u8>) {
    let body = if entry.packed {
        let mut encoder = DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(&entry.data).unwrap();
        encoder.finish().unwrap()
    } else {
        entry.data.clone()
    };
    let mut crc = Crc::new();
    crc.update(&entry.data);
    let method = entry.says_method.unwrap_or(if entry.packed { 8 } else { 0 });
    let mut header = Vec::new();
    for number in [20, entry.flags, method, 0, 0x21] {
        header.extend(number.to_le_bytes());
    }
    header.extend(entry.says_crc.unwrap_or(crc.sum()).to_le_bytes());
    header.extend(entry.says_packed.unwrap_or(body.len() as u32).to_le_bytes());
    header.extend(entry.says_size.unwrap_or(entry.data.len() as u32).to_le_bytes());
    (header, body)
}

/// The end of a directory. Numbers that are too large are written as the format has it.
pub fn end(count: u64, size: u64, start: u64, comment: &[u8]) -> Vec<u8> {
    let mut end = b"PK\x05\x06\0\0\0\0".to_vec();
    let count = count.min(65_535) as u16;
    end.extend(count.to_le_bytes());
    end.extend(count.to_le_bytes());
    end.extend((size.min(u64::from(u32::MAX)) as u32).to_le_bytes());
    end.extend((start.min(u64::from(u32::MAX)) as u32).to_le_bytes());
    end.extend((comment.len() as u16).to_le_bytes());
    end.extend(comment);
    end
}

/// The end of a directory for large archives, with what says where it is: `at`.
pub fn large_end(at: u64, count: u64, size: u64, start: u64) -> Vec<u8> {
    let mut end = b"PK\x06\x06".to_vec();
    end.extend(44_u64.to_le_bytes());
    end.extend([45, 0, 45, 0]);
    end.extend([0; 8]);
    for number in [count, count, size, start] {
        end.extend(number.to_le_bytes());
    }
    end.extend(b"PK\x06\x07\0\0\0\0");
    end.extend(at.to_le_bytes());
    end.extend(1_u32.to_le_bytes());
    end
}

/// Changes one number of the end of the directory, `from` bytes behind its signature.
pub fn with_end(mut archive: Vec<u8>, from: usize, bytes: &[u8]) -> Vec<u8> {
    let at = archive.windows(4).rposition(|window| window == b"PK\x05\x06").unwrap() + from;
    archive[at..at + bytes.len()].copy_from_slice(bytes);
    archive
}

/// The manifest of a NAR.
pub fn manifest(group: &str, artifact: &str, version: &str) -> Entry {
    let text = format!("Manifest-Version: 1.0\r\nNar-Group: {group}\r\nNar-Id: {artifact}\r\nNar-Version: {version}\r\n\r\n");
    entry(MANIFEST, text)
}

/// The descriptor of a NAR, with these elements in its list of extensions.
pub fn descriptor(extensions: &str) -> Entry {
    let text = format!(
        "<extensionManifest><systemApiVersion>1.10.0</systemApiVersion><extensions>{extensions}</extensions></extensionManifest>"
    );
    entry(DESCRIPTOR, text)
}

/// A NAR with these coordinates and further entries.
pub fn nar(group: &str, artifact: &str, version: &str, more: &[Entry]) -> Vec<u8> {
    let mut entries = vec![manifest(group, artifact, version)];
    entries.extend_from_slice(more);
    zip(&entries)
}

/// An archive that has to be refused, and what has to be said of it.
pub struct Hostile {
    /// What is wrong.
    pub name: &'static str,
    /// The archive.
    pub bytes: Vec<u8>,
    /// A part of the message.
    pub says: &'static str,
}

/// Every kind of archive that has to be refused. `million` makes one of 100 MB too.
pub fn hostile(million: bool) -> Vec<Hostile> {
    let mut all = Vec::new();
    let mut add = |name, bytes, says| all.push(Hostile { name, bytes, says });
    let good = || nar("g", "a", "1", &[descriptor("<extension><name>x.Y</name><type>PROCESSOR</type></extension>")]);
    let with = |more: &[Entry]| nar("g", "a", "1", more);
    let described = |text: &str| with(&[entry(DESCRIPTOR, text)]);

    add("text", b"this is no archive".to_vec(), "it is no ZIP file, or was cut off");
    add("nothing", Vec::new(), "it is no ZIP file, or was cut off");
    add("cut off", good()[..good().len() - 1].to_vec(), "it was cut off, or something was added");
    add("cut off early", good()[..good().len() / 2].to_vec(), "it is no ZIP file, or was cut off");
    add("something behind it", [good(), b"x".to_vec()].concat(), "it was cut off, or something was added");
    add("something before it", [b"#!/bin/sh\n".to_vec(), good()].concat(), "does not end where the end of the archive begins");
    add("no entries", zip(&[]), "it has no entry META-INF/MANIFEST.MF");
    add("no manifest", zip(&[entry("a", "b")]), "it has no entry META-INF/MANIFEST.MF");
    add("an archive in an archive", zip(&[stored("inner.nar", good())]), "it has no entry META-INF/MANIFEST.MF");
    add("an archive for a descriptor", with(&[stored(DESCRIPTOR, good())]), "is not well-formed");
    let layers = (0..40).fold(good(), |inner, _| zip(&[entry("inner.nar", inner)]));
    add("forty archives in each other", layers, "it has no entry META-INF/MANIFEST.MF");
    for (name, lines, says) in [
        ("no version", "Nar-Group: g\nNar-Id: a\n", "Nar-Version is missing"),
        ("a blank artifact", "Nar-Group: g\nNar-Id:  \nNar-Version: 1\n", "Nar-Id is missing"),
        ("coordinates behind the main part", "X: y\n\nNar-Group: g\nNar-Id: a\nNar-Version: 1\n", "Nar-Group is missing"),
        ("a slash in a group", "Nar-Group: ../g\nNar-Id: a\nNar-Version: 1\n", "its group has a slash"),
        ("a version of dots", "Nar-Group: g\nNar-Id: a\nNar-Version: ..\n", "only dots"),
        ("a line without a colon", "Nar-Group\n", "has a line without a colon"),
    ] {
        add(name, zip(&[entry(MANIFEST, lines)]), says);
    }
    add("a long version", nar("g", "a", &"1".repeat(101), &[]), "its version is longer than 100 characters");
    add("a manifest of 2 MiB", zip(&[stored(MANIFEST, vec![b'x'; 2 << 20])]), "at most 1048576 are allowed");
    add("a manifest in Latin-1", zip(&[entry(MANIFEST, b"A: \xe4\n")]), "is not UTF-8");

    for (name, text, says) in [
        ("an open element", "<extensionManifest><extensions>", "is not well-formed"),
        ("a wrong end", "<extensionManifest></extensions>", "is not well-formed"),
        ("two roots", "<extensionManifest/><extensionManifest/>", "two roots"),
        ("text behind the root", "<extensionManifest/>x", "outside of its elements"),
        ("another root", "<manifest/>", "its root is not extensionManifest"),
        ("nothing in the descriptor", "", "ends too early"),
        ("an unknown entity", "<extensionManifest><a>&nbsp;</a></extensionManifest>", "an entity that XML does not define"),
        ("UTF-16", "<?xml version=\"1.0\" encoding=\"UTF-16\"?><extensionManifest/>", "encoding is not UTF-8"),
        ("a reference to no character", "<extensionManifest>&#xD800;</extensionManifest>", "is not well-formed"),
    ] {
        add(name, described(text), says);
    }
    let entities = concat!(
        "<?xml version=\"1.0\"?><!DOCTYPE extensionManifest [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;\">",
        "<!ENTITY c \"&b;&b;&b;&b;&b;&b;\">]><extensionManifest><systemApiVersion>&c;</systemApiVersion></extensionManifest>"
    );
    add("entities of entities", described(entities), "declares a document type");
    let outside = "<!DOCTYPE x SYSTEM \"file:///etc/passwd\"><extensionManifest/>";
    add("a document type elsewhere", described(outside), "declares a document type");
    add("an extension without a type", with(&[descriptor("<extension><name>a</name></extension>")]), "an extension has no type");
    add("an extension without a name", with(&[descriptor("<extension><type>a</type></extension>")]), "an extension has no name");
    let deep = format!("<extensionManifest>{}{}</extensionManifest>", "<a>".repeat(100_000), "</a>".repeat(100_000));
    add("deep elements", with(&[stored(DESCRIPTOR, deep)]), "nested deeper than 32");
    let many = format!("<extensionManifest>{}</extensionManifest>", "<a/>".repeat(400_000));
    add("many elements", with(&[stored(DESCRIPTOR, many)]), "more than 400000 elements");
    let attributes: String = (0..1_000_000).map(|number| format!(" a{number:x}=''")).collect();
    add("many attributes", with(&[stored(DESCRIPTOR, format!("<extensionManifest{attributes}/>"))]), "more than 100 attributes");
    let extensions: String = (0..5001).map(|n| format!("<extension><name>a{n}</name><type>b</type></extension>")).collect();
    add("many extensions", with(&[descriptor(&extensions)]), "more than 5000 extensions");
    let tag = format!("<extension><name>a</name><type>b</type><tags><tag>{}</tag></tags></extension>", "t".repeat(201));
    add("a long tag", with(&[descriptor(&tag)]), "a tag of its extension 'a' is longer than 200");
    let large = format!("<extensionManifest><!--{}--></extensionManifest>", "x".repeat(16 << 20));
    add("a descriptor of more than 16 MiB", with(&[stored(DESCRIPTOR, large)]), "at most 16777216 are allowed");

    let lie = |size, packed| with(&[Entry { says_size: size, says_packed: packed, ..entry(DESCRIPTOR, vec![b' '; 5000]) }]);
    add("a size that is too small", lie(Some(10), None), "larger than its declared");
    add(
        "a size that is too large",
        with(&[Entry { says_size: Some(1 << 30), ..entry("lib/a.jar", "abc") }]),
        "has 3 bytes and says",
    );
    add("a packed size that is too small", lie(None, Some(3)), "cannot be unpacked");
    add("a packed size beyond the end", lie(None, Some(u32::MAX - 1)), "");
    add("a wrong checksum", with(&[Entry { says_crc: Some(7), ..entry("a", "b") }]), "cannot be unpacked");
    add("a bomb", with(&[entry("lib/a.jar", vec![0; 64 << 20])]), "is refused as a trap");
    let page = "META-INF/docs/additional-details/x.Y/additionalDetails.html";
    add("a page of 5 MiB", with(&[entry(page, vec![b'x'; 5 << 20])]), "at most 4194304 are allowed");
    add("a page that is no text", with(&[entry(page, [0xff])]), "is not UTF-8");
    add("a password", with(&[Entry { flags: 1, ..entry("a", "bbbbbbbbbbbbbbbbbbbbbbbb") }]), "Password required");
    add("an unknown packing", with(&[Entry { says_method: Some(12), ..stored("a", "b") }]), "not supported");

    for name in ["../x", "/etc/passwd", "a/../../b", "..\\x", "C:\\x", "x\0y", "\\\\host\\share"] {
        add("a name that leads out", with(&[stored(name, "x")]), "leads out of the archive");
    }
    add("two manifests", with(&[manifest("g", "b", "1")]), "duplicate file names");
    add("another name before the bytes", with(&[Entry { local_name: Some(b"c".to_vec()), ..entry("b", "x") }]), "inconsistency");
    add("an entry that the directory does not name", with(&[Entry { hidden: true, ..entry("b", "x") }]), "missing from central");
    add("two entries on the same bytes", with(&[Entry { says_offset: Some(0), ..manifest("g", "a", "1") }]), "");
    add("an entry within another", within(), "overlapping");

    add("a directory elsewhere", with_end(good(), 16, &1_u32.to_le_bytes()), "does not end where");
    add("more entries than there are", with_end(good(), 8, &[200, 0, 200, 0]), "shorter than its entries");
    add("one entry too many", with_end(good(), 8, &[3, 0, 3, 0]), "");
    add("one entry too few", with_end(good(), 8, &[1, 0, 1, 0]), "missing from central");
    add("several parts", with_end(good(), 4, &[1, 0]), "one of several parts");
    let names: Vec<Entry> = (0..300).map(|n| stored(&format!("{n:060000}"), "")).collect();
    add("a directory of 18 MB", zip(&names), "its directory has");
    for (name, large, says) in [
        ("a large end that is not there", large_end(0, 1, 1, 1), "is not one"),
        ("a large end behind the end", large_end(u64::MAX, 1, 1, 1), "not where it should be"),
    ] {
        let archive = good();
        let at = archive.len() - 22;
        add(name, [&archive[..at], &large[56..], &archive[at..]].concat(), says);
    }
    for (name, count, size, says) in [
        ("two ends that differ", 7, None, "do not agree"),
        ("a million entries that are not there", 1_000_000, None, ""),
        ("as many entries as can be", u64::MAX, Some(u64::MAX), ""),
    ] {
        add(name, with_large_end(&good(), count, size, count > 7), says);
    }
    add("70,000 entries", crowd(70_000), "it has 70000 entries; at most 65535 are allowed");
    if million {
        add("a million entries", crowd(1_000_000), "it has 1000000 entries; at most 65535 are allowed");
    }
    all
}

/// A whole entry inside the bytes of another, both named.
fn within() -> Vec<u8> {
    let mut inner = zip(&[stored("inner", "x")]);
    inner.truncate(30 + 5 + 1);
    let outer = stored("outer", &inner);
    let archive = zip(&[outer, Entry { says_offset: Some(30 + 5), ..stored("inner", "x") }]);
    // The second copy of the inner entry goes: its bytes are those inside the first.
    let second = 30 + 5 + inner.len();
    let directory = archive[second + 36..archive.len() - 22].to_vec();
    let mut file = archive[..second].to_vec();
    let (start, size) = (file.len() as u64, directory.len() as u64);
    file.extend(directory);
    file.extend(end(2, size, start, b""));
    file
}

/// An archive with the end for large archives before its end, which then leaves the numbers to it if `left`.
fn with_large_end(archive: &[u8], count: u64, size: Option<u64>, left: bool) -> Vec<u8> {
    let at = archive.len() - 22;
    let (directory, tail) = archive.split_at(at);
    let number = |from: usize| u64::from(u32::from_le_bytes(tail[from..from + 4].try_into().unwrap()));
    let large = large_end(at as u64, count, size.unwrap_or(number(12)), number(16));
    let file = [directory, &large, tail].concat();
    if left { with_end(with_end(file, 8, &[0xff; 4]), 12, &[0xff; 8]) } else { file }
}

/// The same archive with an end for large archives that agrees with its own.
pub fn as_large(archive: &[u8]) -> Vec<u8> {
    let tail = &archive[archive.len() - 22..];
    with_large_end(archive, u64::from(u16::from_le_bytes([tail[10], tail[11]])), None, true)
}

fn crowd(count: usize) -> Vec<u8> {
    let entries: Vec<Entry> = (0..count).map(|number| stored(&format!("{number:07}"), "")).collect();
    zip(&entries)
}
