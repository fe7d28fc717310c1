//! Vaults over real sources.
