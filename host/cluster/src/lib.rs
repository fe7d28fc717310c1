//! Workers in a Kubernetes cluster.
