/// What stands in `k8s` is held against what the code reads and answers.
@org.jspecify.annotations.NullMarked
package dev.tunesmith.bench.manifests;
