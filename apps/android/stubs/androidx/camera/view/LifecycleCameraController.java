package androidx.camera.view;

public final class LifecycleCameraController extends CameraController {
    public LifecycleCameraController(android.content.Context context) {}
    public void bindToLifecycle(androidx.lifecycle.LifecycleOwner lifecycleOwner) {}
    public void unbind() {}
}
