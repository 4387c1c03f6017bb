/// Where hosts come from when they are not simply there: the seam for Kubernetes.
///
/// Start with [PodPlacer]. Only this package may see Kubernetes types.
@NullMarked
package dev.tunesmith.scheduler.pod;

import org.jspecify.annotations.NullMarked;
