package dev.tunesmith.trainer;

import dev.tunesmith.engine.tensor.Device;
import dev.tunesmith.engine.tensor.DeviceException;
import dev.tunesmith.platform.json.Json;

/// Asks the driver which device this host has and how much of its memory is free, in a process of
/// its own: a driver that fails or hangs must not take the host along, and no context of a device
/// stays behind. [DeviceQuestion] starts it.
public final class DeviceProbe {

    private DeviceProbe() {}

    /// Prints the answer for the device that the argument names, as one line of JSON; or the reason
    /// why it cannot be used, and ends with 1.
    public static void main(String[] arguments) {
        try {
            Device device = Device.named(arguments[0]);
            System.out.println(
                    Json.text(
                            new DeviceQuestion.Found(
                                    device.wire(),
                                    device.describe(),
                                    device.freeBytes().orElseGet(ProcessMemory::limitBytes))));
        } catch (DeviceException e) {
            System.err.println(e.getMessage());
            System.exit(1);
        }
    }
}
