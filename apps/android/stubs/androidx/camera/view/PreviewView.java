package androidx.camera.view;

import org.jetbrains.annotations.Nullable;

public final class PreviewView extends android.view.View {
    public PreviewView(android.content.Context context) {}
    @Nullable
    public CameraController getController() { return null; }
    public void setController(@Nullable CameraController cameraController) {}
    public ScaleType getScaleType() { return ScaleType.FILL_CENTER; }
    public void setScaleType(ScaleType scaleType) {}
    public enum ScaleType { FILL_START, FILL_CENTER, FILL_END, FIT_START, FIT_CENTER, FIT_END }
}
