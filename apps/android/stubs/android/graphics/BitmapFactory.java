package android.graphics;

import org.jetbrains.annotations.Nullable;

public class BitmapFactory {
    @Nullable
    public static Bitmap decodeStream(java.io.InputStream is, Rect outPadding, Options opts) { return null; }
    @Nullable
    public static Bitmap decodeFile(String pathName) { return null; }
    public static class Options {
        public boolean inJustDecodeBounds;
        public int inSampleSize;
        public Bitmap.Config inPreferredConfig;
        public int outWidth;
        public int outHeight;
    }
}
