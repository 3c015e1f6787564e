package androidx.camera.core;

public final class ImageAnalysis {
    public static final int OUTPUT_IMAGE_FORMAT_RGBA_8888 = 2;
    public static final int STRATEGY_KEEP_ONLY_LATEST = 0;
    public interface Analyzer {
        void analyze(ImageProxy image);
    }
}
