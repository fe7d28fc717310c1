//! Manifests, with the image in them. The tree stays as it is.

use anyhow::{Context, bail};
use serde_json::{Value, json};

/// The objects of a stream of YAML documents.
pub(crate) fn objects(yaml: &str) -> anyhow::Result<Vec<Value>> {
    let objects: Vec<Value> =
        serde_saphyr::from_multiple(yaml).context("the overlay is no YAML")?;
    Ok(objects.into_iter().filter(|object| !object.is_null()).collect())
}

/// Sets the image of our containers; answers how many there are.
///
/// # Errors
/// Where no container has the repository: then nothing would be rolled out.
pub(crate) fn set_image(objects: &mut [Value], image: &str) -> anyhow::Result<usize> {
    let mut set = 0;
    for object in objects {
        for kind in ["initContainers", "containers"] {
            let containers = object.pointer_mut(&format!("/spec/template/spec/{kind}"));
            for container in containers.and_then(Value::as_array_mut).into_iter().flatten() {
                if container["image"].as_str().is_some_and(|old| is_of(old, image)) {
                    container["image"] = json!(image);
                    set += 1;
                }
            }
        }
    }
    if set == 0 {
        bail!(
            "no container of the overlay has the image {}; name it there under `images`",
            repository(image)
        );
    }
    Ok(set)
}

/// Whether an image is of the same repository, or has the base's bare name.
fn is_of(old: &str, image: &str) -> bool {
    let (old, ours) = (repository(old), repository(image));
    old == ours || ours.rsplit('/').next() == Some(old)
}

/// An image without its tag and digest.
pub(crate) fn repository(image: &str) -> &str {
    let image = image.split_once('@').map_or(image, |(image, _)| image);
    match image.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => image,
    }
}

/// The tag of an image.
pub(crate) fn tag(image: &str) -> Option<&str> {
    let image = image.split_once('@').map_or(image, |(image, _)| image);
    image.rsplit_once(':').map(|(_, tag)| tag).filter(|tag| !tag.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_has_a_repository_and_perhaps_a_tag() {
        for (image, of, tagged) in [
            ("a", "a", None),
            ("a:1", "a", Some("1")),
            ("localhost:5000/a", "localhost:5000/a", None),
            ("localhost:5000/a/b:1@sha256:0", "localhost:5000/a/b", Some("1")),
        ] {
            assert_eq!((repository(image), tag(image)), (of, tagged), "{image}");
        }
    }

    #[test]
    fn the_image_is_set_where_it_is_ours() {
        let yaml = "---\nkind: A\n---\nspec: {template: {spec: {containers: [{image: 'r/bus:1'}, {image: other}]}}}\n";
        let mut all = objects(yaml).expect("objects");
        assert_eq!(all.len(), 2);
        assert_eq!(set_image(&mut all, "r/bus:2@sha256:0").expect("set"), 1);
        let containers = &all[1]["spec"]["template"]["spec"]["containers"];
        assert_eq!(containers, &json!([{"image": "r/bus:2@sha256:0"}, {"image": "other"}]));
        // The bare name of a base, and one that is nobody's.
        assert_eq!(set_image(&mut all, "r/other:2").expect("set"), 1);
        assert!(set_image(&mut all, "r/none:2").is_err());
    }
}
