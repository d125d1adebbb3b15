//! What a test writes into a component before it pushes it: lines `name=value`.

use std::hint::black_box;

/// What a test looks for and writes behind.
const MARK: &[u8] = b"@@HEADWORKS-TEST-SETTINGS@@\n";
const ROOM: usize = 1024;

#[used]
static SETTINGS: [u8; ROOM] = {
    let mut settings = [b' '; ROOM];
    let mut place = 0;
    while place < MARK.len() {
        settings[place] = MARK[place];
        place += 1;
    }
    settings
};

pub fn setting(name: &str) -> String {
    let settings: &[u8] = black_box(&SETTINGS);
    let text = std::str::from_utf8(settings).unwrap_or_default();
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    value.unwrap_or_default().trim().to_owned()
}
