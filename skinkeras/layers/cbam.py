"""CBAM, the convolutional block attention module (Woo et al. 2018), and the two attentions it consists of.

Each consists of Keras layers only, without separate operations: `call` on the symbolic tensors of a model
decomposes it into those layers. Quantization needs this, because it rounds a model layer by layer.
"""

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable("skinkeras")
class ChannelPooling(layers.Layer):
    """The mean or the maximum over the channels, at each position.

    Args:
        statistic: "mean" or "max".

    Input: (batch, height, width, channels) float.
    Output: (batch, height, width, 1), of the same dtype.

    Raises:
        ValueError: another statistic.
    """

    def __init__(self, statistic, **kwargs):
        super().__init__(**kwargs)
        if statistic not in ("mean", "max"):
            raise ValueError(f'statistic must be "mean" or "max". Received: statistic={statistic!r}')
        self.statistic = statistic

    def call(self, features):
        pool = ops.mean if self.statistic == "mean" else ops.max
        return pool(features, axis=-1, keepdims=True)

    def get_config(self):
        return {**super().get_config(), "statistic": self.statistic}


class _Attention(layers.Layer):
    """Base of the attentions: creates their layers, and adds a state to their logits."""

    def _make(self, layer, name, *args, **kwargs):
        # Named after their owner, so that two modules can be decomposed into one model.
        return layer(*args, name=f"{self.name}_{name}", dtype=self.dtype_policy, **kwargs)

    def _build_state(self, logits, state_shape):
        self.state_logits = None
        if state_shape is not None:
            # Without a bias: the logits that it is added to have theirs.
            self.state_logits = self._make(layers.Dense, "state_logits", logits, use_bias=False)
            self.state_logits.build(state_shape)
            self.add_state = self._make(layers.Add, "add_state")

    def _with_state(self, logits, state, reshape=None):
        if (state is None) != (self.state_logits is None):
            raise ValueError(f"{self.name} takes a state always or never: call it as it was first called.")
        if state is None:
            return logits
        share = self.state_logits(state)
        # The state's share comes first. As the second operand, one number per image looks like a bias to the
        # add of Keras 3.15 on TensorFlow, which would add the numbers along the rows of each feature map
        # whenever there are as many rows as images in the batch.
        return self.add_state([reshape(share) if reshape else share, logits])


@keras.saving.register_keras_serializable("skinkeras")
class ChannelAttention(_Attention):
    """How much each channel matters: M_c of Woo et al. 2018, eq. 2.

    sigmoid(MLP(mean over positions) + MLP(maximum over positions)), with one MLP for both: a ReLU layer of
    channels // reduction units, then one unit per channel. The paper prints no biases; here, as in its
    authors' code, the MLP has them.

    With a state, such as that of an LSTM, a dense layer of it (without a bias) is added to the sum: the
    attention then depends on the state. A layer takes a state in every call or in none.

    Args:
        reduction: int >= 1, the r of the paper.

    Inputs:
        features: (batch, height, width, channels) float.
        state: (batch, units) float, or None.

    Output: (batch, channels) in 0..1.

    Raises:
        ValueError: reduction below 1 or above the channels; one call with a state and one without.
    """

    def __init__(self, reduction=16, **kwargs):
        super().__init__(**kwargs)
        if reduction != int(reduction) or reduction < 1:
            raise ValueError(f"reduction must be a whole number >= 1. Received: reduction={reduction}")
        self.reduction = int(reduction)

    def build(self, features_shape, state_shape=None):
        channels = features_shape[-1]
        if channels < self.reduction:
            raise ValueError(
                f"reduction={self.reduction} leaves no hidden unit for {channels} channels; "
                "it must not exceed their number."
            )
        self.mean = self._make(layers.GlobalAveragePooling2D, "mean", data_format="channels_last")
        self.max = self._make(layers.GlobalMaxPooling2D, "max", data_format="channels_last")
        self.hidden = self._make(layers.Dense, "hidden", channels // self.reduction, activation="relu")
        self.hidden.build((None, channels))
        self.logits = self._make(layers.Dense, "logits", channels)
        self.logits.build((None, channels // self.reduction))
        self.add = self._make(layers.Add, "add")
        self.sigmoid = self._make(layers.Activation, "sigmoid", "sigmoid")
        self._build_state(channels, state_shape)

    def call(self, features, state=None):
        mean, maximum = (self.logits(self.hidden(pool(features))) for pool in (self.mean, self.max))
        return self.sigmoid(self._with_state(self.add([mean, maximum]), state))

    def get_config(self):
        return {**super().get_config(), "reduction": self.reduction}


@keras.saving.register_keras_serializable("skinkeras")
class SpatialAttention(_Attention):
    """How much each position matters: M_s of Woo et al. 2018, eq. 3.

    sigmoid(convolution of (mean over channels, maximum over channels)), with zeros around the image. The
    paper prints no bias, and its authors' code has a batch normalization there; here the convolution has a
    bias, to which a batch normalization reduces when the model is exported.

    With a state a dense layer of it (without a bias) is added: one number for all positions of an image.

    Args:
        kernel_size: odd int >= 1, height and width of the convolution.

    Inputs:
        features: (batch, height, width, channels) float.
        state: (batch, units) float, or None; as for `ChannelAttention`.

    Output: (batch, height, width, 1) in 0..1.

    Raises:
        ValueError: an even kernel_size, or one below 1; one call with a state and one without.
    """

    def __init__(self, kernel_size=7, **kwargs):
        super().__init__(**kwargs)
        if kernel_size < 1 or kernel_size % 2 != 1:
            raise ValueError(
                f"kernel_size must be an odd whole number >= 1. Received: kernel_size={kernel_size}"
            )
        self.kernel_size = int(kernel_size)

    def build(self, features_shape, state_shape=None):
        self.mean = self._make(ChannelPooling, "mean", "mean")
        self.max = self._make(ChannelPooling, "max", "max")
        self.concatenate = self._make(layers.Concatenate, "concatenate")
        self.logits = self._make(
            layers.Conv2D, "logits", 1, self.kernel_size, padding="same", data_format="channels_last"
        )
        self.logits.build((*features_shape[:-1], 2))
        self.one_place = self._make(layers.Reshape, "one_place", (1, 1, 1))
        self.sigmoid = self._make(layers.Activation, "sigmoid", "sigmoid")
        self._build_state(1, state_shape)

    def call(self, features, state=None):
        logits = self.logits(self.concatenate([self.mean(features), self.max(features)]))
        return self.sigmoid(self._with_state(logits, state, reshape=self.one_place))

    def get_config(self):
        return {**super().get_config(), "kernel_size": self.kernel_size}


@keras.saving.register_keras_serializable("skinkeras")
class CBAM(_Attention):
    """Convolutional block attention module (Woo et al. 2018, eq. 1).

    Each channel is multiplied by its `ChannelAttention`, then each position of the result by its
    `SpatialAttention`.

    Args:
        reduction: int >= 1, see `ChannelAttention`.
        kernel_size: odd int >= 1, see `SpatialAttention`.

    Inputs:
        features: (batch, height, width, channels) float.
        state: (batch, units) float, or None; both attentions depend on it.

    Output: the shape of features.

    Raises:
        ValueError: as the two attentions.

    Example:
        >>> cbam = CBAM(reduction=8)
        >>> refined = cbam(features)
        >>> channel_map, spatial_map = cbam.attention(features)
        >>> maps = keras.Model(model.input, cbam.attention(cbam.input))   # the maps of a trained model
    """

    def __init__(self, reduction=16, kernel_size=7, **kwargs):
        super().__init__(**kwargs)
        self.channel = self._make(ChannelAttention, "channel", reduction)
        self.spatial = self._make(SpatialAttention, "spatial", kernel_size)

    def build(self, features_shape, state_shape=None):
        self.channel.build(features_shape, state_shape)
        self.spatial.build(features_shape, state_shape)
        self.one_place = self._make(layers.Reshape, "one_place", (1, 1, features_shape[-1]))
        self.weigh_channels = self._make(layers.Multiply, "weigh_channels")
        self.weigh_places = self._make(layers.Multiply, "weigh_places")

    def call(self, features, state=None):
        weighed, _, spatial = self._attend(features, state)
        return self.weigh_places([weighed, spatial])

    def attention(self, features, state=None):
        """The two maps by which `features` are multiplied.

        Args:
            features, state: as the layer's inputs; tensors, arrays, or symbolic inputs of a model.

        Returns:
            Channel map (batch, channels) and spatial map (batch, height, width, 1), both in 0..1.

        Raises:
            ValueError: the layer has not been built (called) yet.
        """
        if not self.built:
            raise ValueError(f"{self.name} has no weights yet: call it before attention().")
        return self._attend(features, state)[1:]

    def _attend(self, features, state):
        channel = self.channel(features, state)
        weighed = self.weigh_channels([features, self.one_place(channel)])
        return weighed, channel, self.spatial(weighed, state)

    def get_config(self):
        return {
            **super().get_config(),
            "reduction": self.channel.reduction,
            "kernel_size": self.spatial.kernel_size,
        }
