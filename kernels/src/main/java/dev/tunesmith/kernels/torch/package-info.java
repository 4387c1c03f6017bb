/// libtorch through its stable C interface: matrix products and whatever else its dispatcher
/// offers, without any C++ or JavaCPP class.
///
/// Start with [dev.tunesmith.kernels.torch.TorchAbi]. The libraries come from the jars on the class
/// path, are unpacked once into a cache folder and opened in a fixed order, so that our own library
/// shares their OpenMP team. Every call must come from the one thread that owns the device.
@NullMarked
package dev.tunesmith.kernels.torch;

import org.jspecify.annotations.NullMarked;
