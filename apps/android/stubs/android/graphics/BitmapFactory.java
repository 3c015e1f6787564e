package android.graphics;

import org.jetbrains.annotations.Nullable;

public class BitmapFactory {
    @Nullable
    public static Bitmap decodeByteArray(byte[] data, int offset, int length, Options opts) { return null; }
    @Nullable
    public static Bitmap decodeFile(String pathName) { return null; }
    public static class Options {
        public boolean inJustDecodeBounds;
        public int inSampleSize;
        public Bitmap.Config inPreferredConfig;
        @Nullable
        public ColorSpace inPreferredColorSpace;
        public int outWidth;
        public int outHeight;
    }
}
