"""Cross-entropy of probabilities without Keras' limit.

Keras clips probabilities at 1e-7, below which a loss has no gradient: what the model is most wrong about
would teach it nothing. From the output of a softmax it takes the logits instead; behind anything else it
cannot.
"""

from keras import ops

# Where the logarithm of a probability ends: float32 has smaller ones, but not many.
_TINY = 1e-30


def logits_of(probabilities):
    """Logits, of the same shape and dtype, whose softmax are these probabilities."""
    return ops.log(ops.maximum(probabilities, _TINY))


def takes_logits(loss):
    """Whether the loss can be told to compare logits."""
    return "from_logits" in loss.get_config()


def with_from_logits(loss, from_logits):
    """A new loss of the same settings, but for `from_logits`."""
    return type(loss).from_config({**loss.get_config(), "from_logits": from_logits})
