package androidx.camera.view;

import androidx.camera.core.CameraInfo;
import androidx.camera.core.CameraSelector;
import androidx.camera.core.ImageAnalysis;
import androidx.camera.core.resolutionselector.ResolutionSelector;
import org.jetbrains.annotations.Nullable;

public abstract class CameraController {
    public static final int IMAGE_ANALYSIS = 2;
    public void clearImageAnalysisAnalyzer() {}
    public com.google.common.util.concurrent.ListenableFuture<Void> enableTorch(boolean torchEnabled) { throw new AssertionError(); }
    @Nullable
    public CameraInfo getCameraInfo() { return null; }
    public CameraSelector getCameraSelector() { throw new AssertionError(); }
    public void setCameraSelector(CameraSelector cameraSelector) {}
    public int getImageAnalysisBackpressureStrategy() { return 0; }
    public void setImageAnalysisBackpressureStrategy(int strategy) {}
    public int getImageAnalysisOutputImageFormat() { return 0; }
    public void setImageAnalysisOutputImageFormat(int imageAnalysisOutputImageFormat) {}
    @Nullable
    public ResolutionSelector getImageAnalysisResolutionSelector() { return null; }
    public void setImageAnalysisResolutionSelector(@Nullable ResolutionSelector resolutionSelector) {}
    @Nullable
    public ResolutionSelector getPreviewResolutionSelector() { return null; }
    public void setPreviewResolutionSelector(@Nullable ResolutionSelector resolutionSelector) {}
    public boolean isPinchToZoomEnabled() { return true; }
    public void setPinchToZoomEnabled(boolean enabled) {}
    public boolean isTapToFocusEnabled() { return true; }
    public void setTapToFocusEnabled(boolean enabled) {}
    public void setEnabledUseCases(int enabledUseCases) {}
    public void setImageAnalysisAnalyzer(java.util.concurrent.Executor executor, ImageAnalysis.Analyzer analyzer) {}
    public com.google.common.util.concurrent.ListenableFuture<Void> setLinearZoom(float linearZoom) { throw new AssertionError(); }
}
