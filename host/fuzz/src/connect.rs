//! Connect: whatever a gateway sends and whenever it sends it, and whatever the journal's file holds.
//!
//! An input is a row of pieces: a letter, the length of what follows as two bytes (the lesser first), and that:
//!
//! | letter | what follows | what happens |
//! | --- | --- | --- |
//! | `h` | a frame | the gateway sends it |
//! | `t` | milliseconds, up to four bytes | time passes |
//! | `a` | which request and which status, a byte each; a body | a request that runs gets its reply |
//! | `f` | which request, a byte | it is given up |
//! | `d` | nothing | the socket breaks |
//! | `j` | bytes | they stand in a journal |
//! | `m` | bytes | they are read as every message there is |

mod frames;
mod journal;
mod world;

use bytes::Bytes;

use self::world::World;

/// More pieces than a connection has that tells anything new.
const PIECES: usize = 200;

/// Checks one input.
pub fn check(data: &[u8]) {
    let mut world = World::new();
    for (letter, content) in pieces(data).take(PIECES) {
        match letter {
            b'h' => world.hear(Bytes::copy_from_slice(content)),
            b't' => world.pass(number(content)),
            b'a' => {
                if let [which, status, body @ ..] = content {
                    world.answer(usize::from(*which), *status, body);
                }
            }
            b'f' => world.forget(usize::from(content.first().copied().unwrap_or_default())),
            b'd' => world.disconnect(),
            b'j' => journal::any(content),
            b'm' => frames::all(content),
            _ => {}
        }
        world.agrees();
    }
}

/// The pieces of an input. The last one may be cut short.
fn pieces(mut data: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let (&[letter, low, high], rest) = data.split_first_chunk::<3>()?;
        let length = usize::from(u16::from_le_bytes([low, high])).min(rest.len());
        let (content, rest) = rest.split_at(length);
        data = rest;
        Some((letter, content))
    })
}

fn number(content: &[u8]) -> u32 {
    content.iter().take(4).rev().fold(0, |number, &byte| number << 8 | u32::from(byte))
}
