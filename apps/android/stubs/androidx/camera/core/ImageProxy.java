package androidx.camera.core;

public interface ImageProxy extends AutoCloseable {
    void close();
    int getWidth();
    int getHeight();
    ImageInfo getImageInfo();
    PlaneProxy[] getPlanes();
    interface PlaneProxy {
        java.nio.ByteBuffer getBuffer();
        int getPixelStride();
        int getRowStride();
    }
}
