/// From objects in the store to a model that answers:
/// [dev.tunesmith.inference.weights.ModelFolders] fetches and verifies,
/// [dev.tunesmith.inference.weights.Models] loads, shares a base between its adapters, and unloads.
@org.jspecify.annotations.NullMarked
package dev.tunesmith.inference.weights;
