//! One flow: what it does and looks at.

use super::scene::Scene;

/// A flow, with the services that it has put on the stage.
#[async_trait::async_trait(?Send)]
pub(crate) trait Flow {
    /// What figures call it.
    fn name(&self) -> &'static str;

    /// Plays all its branches. Panics where something is not as it should be.
    async fn play(&self, scene: &Scene);
}
