"""Which layer CAM, Grad-CAM and FEM look at."""

from minixai.network import INPUT, Network, Node
from minixai.ops import Add, BatchNorm2d, Conv2d, Conv3d, Flatten, GlobalAvgPool, Identity, Linear, ReLU, UnsupportedOp
from minixai.ops.pooling import AdaptiveAvgPool2d


def feature_layer(network: Network, layer: str | None = None) -> str:
    """The layer asked for; else the one the network names; else the maps that a GAP -> linear head squeezes; else,
    from the last convolution through batch norm, add and identity, the first ReLU, or the convolution itself."""
    named = network.feature_layer if layer is None else layer
    if named is not None:
        return network.node(named).name
    squeezed = gap_head(network)
    if squeezed is not None:
        return squeezed[0]
    convolutions = [node.name for node in network.nodes if isinstance(node.op, Conv2d | Conv3d)]
    if not convolutions:
        raise UnsupportedOp("the network has no convolution, so it has no feature maps; name a layer= with maps")
    return _rectified(network, convolutions[-1]) or convolutions[-1]


def gap_head(network: Network) -> tuple[str, Linear] | None:
    """(the maps, the linear layer) if the scores are one linear layer over globally averaged maps, as CAM needs."""
    head = network.node(network.output)
    if not isinstance(head.op, Linear):
        return None
    pool = _above(network, head)
    if pool is None or not _is_global(pool):
        return None
    return (pool.inputs[0], head.op) if pool.inputs[0] != INPUT else None


def _above(network: Network, node: Node) -> Node | None:
    """What feeds this node, through flatten and identity."""
    while node.inputs[0] != INPUT:
        node = network.node(node.inputs[0])
        if not isinstance(node.op, Flatten | Identity):
            return node
    return None


def _is_global(node: Node) -> bool:
    op = node.op
    return isinstance(op, GlobalAvgPool) or (isinstance(op, AdaptiveAvgPool2d) and op.output_size == (1, 1))


def _rectified(network: Network, name: str) -> str | None:
    for node in network.consumers(name):
        if isinstance(node.op, ReLU):
            return node.name
        if isinstance(node.op, BatchNorm2d | Add | Identity):
            found = _rectified(network, node.name)
            if found is not None:
                return found
    return None
