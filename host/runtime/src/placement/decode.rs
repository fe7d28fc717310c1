//! The bytes of a component → its imports, without compiling anything.
//!
//! Only the outermost component is looked at, and of it only the lists of imports and exports: what is inside gets its
//! imports from the outermost. Nothing here checks that the code is valid; the compiler does that.

use std::collections::HashSet;

use wasmparser::{
    Chunk, ComponentExternName, ComponentExternalKind, ComponentTypeRef, Encoding, Parser, Payload,
    TypeBounds,
};

use super::import::Import;

/// The largest component, in bytes. The largest of the toolchains at hand, Python's, makes 20 MB.
pub const LARGEST: usize = 128 << 20;

/// How many imports a component may have; real ones have some 30.
pub const IMPORTS: usize = 1_000;

/// How long the name of an import may be, in bytes.
pub const LONGEST_NAME: usize = 256;

/// How many sections a component may have; real ones have some hundred.
pub const SECTIONS: usize = 100_000;

/// What a component for a worker exports, in any version.
const ENTRY: &str = "system-bus:durable/entry@";

/// Why bytes are no component that a worker could load.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end in the middle of something. A file may still be on its way.
    #[error(
        "its file ends too early, after {size} bytes; if it is being written, it will be read again when that is done, else build it again"
    )]
    Truncated {
        /// How many bytes there are.
        size: usize,
    },
    /// Not WebAssembly at all.
    #[error("it is not WebAssembly; name the .wasm file that a build for wasm32-wasip2 made")]
    NotWasm,
    /// A module: the older form, without typed imports.
    #[error(
        "it is a core module and not a component; build it with `cargo build --target wasm32-wasip2`, or make a component of it with `wasm-tools component new`"
    )]
    CoreModule,
    /// Descriptions of interfaces, without code.
    #[error("it holds WIT interfaces and no code; name the component that implements them")]
    WitPackage,
    /// A component for something else; or one that was cut off exactly between two sections.
    #[error(
        "it does not export system-bus:durable/entry, so it holds no functions; build it with an SDK (docs/guests.md), or again if its file was cut off"
    )]
    NoEntry,
    /// The bytes break the format.
    #[error(
        "it breaks the format of components: {reason}; build it again with a current toolchain"
    )]
    Malformed {
        /// What the decoder says.
        reason: String,
    },
    /// More of something than any real component has.
    #[error("it has more than {limit} {what}, more than a worker reads")]
    TooMuch {
        /// What there is too much of.
        what: &'static str,
        /// How much may be.
        limit: usize,
    },
}

impl DecodeError {
    /// Whether the bytes may be the beginning of a component: they end in the middle of something, or where more could
    /// follow that is missing.
    pub fn may_be_incomplete(&self) -> bool {
        matches!(self, Self::Truncated { .. } | Self::NoEntry | Self::WitPackage)
    }
}

/// The imports of a component, in its order.
///
/// Takes no longer than reading the outermost sections' headers: code is stepped over.
pub fn decode(bytes: &[u8]) -> Result<Vec<Import>, DecodeError> {
    if bytes.len() > LARGEST {
        return Err(DecodeError::TooMuch { what: "bytes", limit: LARGEST });
    }
    let magic = b"\0asm";
    if bytes.iter().zip(magic).any(|(byte, magic)| byte != magic) {
        return Err(DecodeError::NotWasm);
    }
    let mut found = Found::default();
    let mut parser = Parser::new(0);
    let mut at = 0;
    for _ in 0..SECTIONS {
        let rest = &bytes[at..];
        // Saying that more may come makes the decoder tell "too short" apart from "wrong". Only where nothing is left
        // can the end be meant.
        let (consumed, payload) = match parser.parse(rest, rest.is_empty() && at > 0) {
            Ok(Chunk::Parsed { consumed, payload }) => (consumed, payload),
            Ok(Chunk::NeedMoreData(_)) => {
                return Err(DecodeError::Truncated { size: bytes.len() });
            }
            Err(error) => return Err(malformed(&error)),
        };
        at += consumed;
        match payload {
            Payload::Version { encoding: Encoding::Module, .. } => {
                return Err(DecodeError::CoreModule);
            }
            Payload::ModuleSection { unchecked_range: range, .. }
            | Payload::ComponentSection { unchecked_range: range, .. } => {
                if range.end > bytes.len() {
                    return Err(DecodeError::Truncated { size: bytes.len() });
                }
                found.code = true;
                at = range.end;
            }
            Payload::ComponentImportSection(section) => {
                for import in section {
                    let import = import.map_err(|error| malformed(&error))?;
                    found.import(import.name, import.ty)?;
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section {
                    let export = export.map_err(|error| malformed(&error))?;
                    let instance = export.kind == ComponentExternalKind::Instance;
                    found.entry |= instance && export.name.name.starts_with(ENTRY);
                }
            }
            Payload::UnknownSection { id, .. } => {
                let reason = format!("a section of the unknown kind {id}");
                return Err(DecodeError::Malformed { reason });
            }
            Payload::End(_) => return found.end(),
            _ => {}
        }
    }
    Err(DecodeError::TooMuch { what: "sections", limit: SECTIONS })
}

/// What the outermost component says of itself.
#[derive(Default)]
struct Found {
    imports: Vec<Import>,
    names: HashSet<String>,
    /// Whether there is anything inside that could run.
    code: bool,
    entry: bool,
}

impl Found {
    fn import(
        &mut self,
        name: ComponentExternName<'_>,
        ty: ComponentTypeRef,
    ) -> Result<(), DecodeError> {
        // A name for a type that the component defines itself asks for nothing.
        if matches!(ty, ComponentTypeRef::Type(TypeBounds::Eq(_))) {
            return Ok(());
        }
        let longest = [Some(name.name), name.implements, name.version_suffix].into_iter().flatten();
        if longest.map(str::len).max().unwrap_or_default() > LONGEST_NAME {
            let what = "bytes in the name of an import";
            return Err(DecodeError::TooMuch { what, limit: LONGEST_NAME });
        }
        if self.imports.len() == IMPORTS {
            return Err(DecodeError::TooMuch { what: "imports", limit: IMPORTS });
        }
        if !self.names.insert(name.name.to_owned()) {
            let reason = format!("it imports {:?} twice", name.name);
            return Err(DecodeError::Malformed { reason });
        }
        self.imports.push(match (name.implements, ty) {
            (Some(interface), _) => Import::labelled(name.name, interface),
            // The short form of versions keeps what follows the track beside the name: `@0.2` and `.6`.
            (None, ComponentTypeRef::Instance(_)) => {
                Import::named(&format!("{}{}", name.name, name.version_suffix.unwrap_or_default()))
            }
            (None, _) => Import { name: name.name.to_owned(), interface: None },
        });
        Ok(())
    }

    fn end(self) -> Result<Vec<Import>, DecodeError> {
        match (self.entry, self.code) {
            (true, true) => Ok(self.imports),
            (_, false) => Err(DecodeError::WitPackage),
            (false, true) => Err(DecodeError::NoEntry),
        }
    }
}

fn malformed(error: &wasmparser::BinaryReaderError) -> DecodeError {
    let reason = format!("{} (at byte {})", error.message(), error.offset());
    DecodeError::Malformed { reason }
}
