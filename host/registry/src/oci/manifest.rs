//! Which layer of a manifest is the component. Pure.

use oci_client::manifest::{ImageIndexEntry, OciDescriptor, OciImageManifest};
use protocol::digest::Digest;

/// What layers of components are called: by the guidance of the CNCF, and by tools from before it.
const LAYERS: [&str; 2] = ["application/wasm", "application/vnd.wasm.content.layer.v1+wasm"];

/// The one layer of a manifest that is a component.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    pub(super) descriptor: OciDescriptor,
    /// The layer's digest is the component's.
    pub(super) digest: Digest,
}

/// Finds it. Fails with words when there is none, more than one, or one that may not be read.
pub(super) fn component(manifest: OciImageManifest, largest: u64) -> Result<Layer, String> {
    let types: Vec<_> = manifest.layers.iter().map(|layer| layer.media_type.clone()).collect();
    let components = manifest.layers.into_iter();
    let components = components.filter(|layer| LAYERS.contains(&layer.media_type.as_str()));
    let mut components = components.collect::<Vec<_>>();
    let (Some(descriptor), true) = (components.pop(), components.is_empty()) else {
        return Err(format!(
            "a component is one layer of the type {}, and this manifest has the layers {types:?}; publish the component alone, as `wkg oci push` does",
            LAYERS[0]
        ));
    };
    let digest = descriptor.digest.strip_prefix("sha256:").and_then(|hex| hex.parse().ok());
    let Some(digest) = digest else {
        return Err(format!(
            "its layer has the digest {}, and components are known by their SHA-256; publish it with that",
            descriptor.digest
        ));
    };
    let size = u64::try_from(descriptor.size).unwrap_or(0);
    if size > largest {
        return Err(format!("it is too large: {size} bytes, and components may have {largest}"));
    }
    Ok(Layer { descriptor, digest })
}

/// Which manifest of an index to take: the one for WebAssembly, or the only one.
pub(super) fn of_index(manifests: &[ImageIndexEntry]) -> Option<String> {
    let wasm = manifests.iter().find(|entry| {
        entry.platform.as_ref().is_some_and(|platform| platform.architecture.to_string() == "wasm")
    });
    let chosen = match (wasm, manifests) {
        (None, [only]) => Some(only),
        (wasm, _) => wasm,
    };
    chosen.map(|entry| entry.digest.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(layers: &[(&str, &str, i64)]) -> OciImageManifest {
        let descriptor = |&(media_type, digest, size): &(&str, &str, i64)| OciDescriptor {
            media_type: media_type.to_owned(),
            digest: digest.to_owned(),
            size,
            ..OciDescriptor::default()
        };
        OciImageManifest {
            layers: layers.iter().map(descriptor).collect(),
            ..OciImageManifest::default()
        }
    }

    #[test]
    fn the_component_is_the_one_layer_of_its_type() {
        let digest = Digest::of(b"x");
        let text = format!("sha256:{digest}");
        for media_type in LAYERS {
            let layers = [("text/plain", "sha256:00", 1), (media_type, text.as_str(), 10)];
            let layer = component(manifest(&layers), 10).expect(media_type);
            assert_eq!(layer.digest, digest);
        }
        for (layers, told) in [
            (vec![], "one layer of the type application/wasm"),
            (vec![("application/gzip", text.as_str(), 1)], "application/gzip"),
            (vec![(LAYERS[0], text.as_str(), 1); 2], "publish the component alone"),
            (vec![(LAYERS[0], "sha512:00", 1)], "sha512:00"),
            (vec![(LAYERS[0], text.as_str(), 11)], "too large: 11 bytes"),
        ] {
            let error = component(manifest(&layers), 10).expect_err(told);
            assert!(error.contains(told), "{error}");
        }
    }

    #[test]
    fn an_index_is_followed_to_webassembly() {
        let entry = |digest: &str, architecture: Option<&str>| {
            let mut entry = serde_json::json!({"mediaType": "m", "digest": digest, "size": 1});
            if let Some(architecture) = architecture {
                entry["platform"] =
                    serde_json::json!({"os": "wasip2", "architecture": architecture});
            }
            serde_json::from_value::<ImageIndexEntry>(entry).expect("an entry")
        };
        let chosen = |entries: &[ImageIndexEntry]| of_index(entries);
        let (amd, wasm) = (entry("a", Some("amd64")), entry("w", Some("wasm")));
        assert_eq!(chosen(&[amd.clone(), wasm]).as_deref(), Some("w"));
        assert_eq!(chosen(&[entry("only", None)]).as_deref(), Some("only"));
        assert_eq!(chosen(&[amd.clone(), amd]), None);
    }
}
