"""Chaos and incident drills for model deployments on Kubernetes."""
