package androidx.camera.view;

import org.jetbrains.annotations.Nullable;

public final class PreviewView extends android.view.View {
    public PreviewView(android.content.Context context) {}
    @Nullable
    public CameraController getController() { return null; }
    public void setController(@Nullable CameraController cameraController) {}
}
