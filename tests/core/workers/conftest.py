"""A Ray cluster of two nodes on this machine, started once for all tests of several devices."""

import os

import pytest


@pytest.fixture(scope="session")
def two_nodes():
    """A cluster of two nodes with one CPU each; the second one is made again when a test has taken it."""
    from ray.cluster_utils import Cluster

    from vp_tui.core.workers.fleet import cluster as clusters

    os.environ.update(clusters.QUIET)
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    made.add_node(num_cpus=1)
    yield made
    made.shutdown()


@pytest.fixture
def both_nodes(two_nodes):
    """The cluster with both of its nodes."""
    if len(two_nodes.list_all_nodes()) < 2:
        two_nodes.add_node(num_cpus=1)
    two_nodes.wait_for_nodes()
    return two_nodes
